import { fromBase64, toBase64 } from '../base64.ts';

/** The ends of a background response that are told. */
export const webhookEvents = [
  'response.completed',
  'response.failed',
  'response.cancelled',
  'response.incomplete',
] as const;

/** One of the ends that are told. */
export type WebhookEvent = (typeof webhookEvents)[number];

/** Where the ends of background responses are told. */
export interface Webhook {
  url: string;
  /** `whsec_` and base64, or any text: what `openai.webhooks.unwrap` is given at the other side. */
  secret: string;
  /** Which ends; all, where it does not say. */
  events?: readonly WebhookEvent[] | undefined;
}

const encoder = new TextEncoder();

/** The headers by which the receiver knows that a body is ours, and recent (Standard Webhooks). `now` in milliseconds. */
export async function sign(
  { secret }: Webhook,
  id: string,
  body: string,
  now: number,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(now / 1000));
  const key = await crypto.subtle.importKey('raw', keyOf(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const mac = await crypto.subtle.sign('HMAC', key, encoder.encode(`${id}.${timestamp}.${body}`));
  const signature = toBase64(new Uint8Array(mac));
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

const SECRET_PREFIX = 'whsec_';

function keyOf(secret: string) {
  if (!secret.startsWith(SECRET_PREFIX)) return encoder.encode(secret);
  return fromBase64(secret.slice(SECRET_PREFIX.length));
}
