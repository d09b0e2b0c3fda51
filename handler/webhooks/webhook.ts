import { fromBase64, toBase64 } from '../base64.ts';

/** Types of webhook events: the ends of a background response. */
export const webhookEvents = [
  'response.completed',
  'response.failed',
  'response.cancelled',
  'response.incomplete',
] as const;

/** One type of webhook event. */
export type WebhookEvent = (typeof webhookEvents)[number];

/** A configured webhook. */
export interface Webhook {
  url: string;
  /** `whsec_` and base64, or any text: what `openai.webhooks.unwrap` is given at the other side. */
  secret: string;
  /** The tenant whose responses it is told of. Default: `default`. */
  tenant?: string | undefined;
  /** Event types to send. Default: all. */
  events?: readonly WebhookEvent[] | undefined;
}

const encoder = new TextEncoder();

/** Signs a body (Standard Webhooks): headers that prove that it is ours, and recent. `now` in milliseconds. */
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
