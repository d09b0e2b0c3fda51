import type { Transport } from '../backend/transport.ts';
import type { Database } from '../database/database.ts';
import { describe, log } from '../log.ts';
import { type Delivery, nextDue, putOff, removeDelivery, takeDue } from '../state/deliveries.ts';
import { sign, type Webhook } from './webhook.ts';

/** Deliveries that are tried at a time. */
const AT_ONCE = 16;

/** How long a receiver may take, in milliseconds; it should keep the event and do its work later. */
const PATIENCE = 15_000;

/** How long others leave a delivery alone that is being tried: a process that dies meanwhile delays it by so much. */
const HOLD = 2 * PATIENCE;

/** The first pause after a failure, in milliseconds, and the longest: each is twice the one before. */
const [FIRST, LONGEST] = [2_000, 6 * 3_600_000];

/** How long it is tried at all: 72 hours, as OpenAI does. */
const GIVE_UP = 72 * 3_600_000;

/** What webhooks are delivered with. */
export interface Deliverer {
  database: Database;
  transport: Transport;
  webhooks: readonly Webhook[];
}

/**
 * Delivers what is due, each at least once, and gives when the next one is: milliseconds since 1970, undefined for never. A
 * 2xx is a delivery; all else is tried again, later and later. Only configured URLs are called.
 */
export async function deliver({ database, transport, webhooks }: Deliverer): Promise<number | undefined> {
  if (webhooks.length === 0) return undefined;
  for (;;) {
    const due = await takeDue(database, AT_ONCE, HOLD);
    if (due.length === 0) return nextDue(database);
    await database.batch(await Promise.all(due.map((delivery) => attempt(delivery, transport, webhooks))));
  }
}

async function attempt(delivery: Delivery, transport: Transport, webhooks: readonly Webhook[]) {
  const { id, url, body, tries, created } = delivery;
  const webhook = webhooks.find((known) => known.url === url);
  if (!webhook) return removeDelivery(delivery); // the configuration has it no more
  const now = Date.now();
  let failure: unknown;
  try {
    const status = await send(webhook, id, body, transport);
    if (status >= 200 && status < 300) return removeDelivery(delivery);
    failure = `status ${status}`;
  } catch (error) {
    failure = error;
  }
  const details = { webhook: url, event: id, tries, error: describe(failure) };
  if (now - created > GIVE_UP) {
    log.error('a webhook was given up', details);
    return removeDelivery(delivery);
  }
  log.warn('a webhook could not be delivered', details);
  const pause = Math.min(FIRST * 2 ** (tries - 1), LONGEST);
  return putOff(delivery, now + pause * (1 + Math.random() / 5)); // so that many do not come back at once
}

async function send(webhook: Webhook, id: string, body: string, transport: Transport): Promise<number> {
  const headers = { 'content-type': 'application/json', ...(await sign(webhook, id, body, Date.now())) };
  const signal = AbortSignal.timeout(PATIENCE);
  const reply = await transport(webhook.url, { method: 'POST', headers, body, signal });
  await reply.body[Symbol.asyncIterator]().return?.();
  return reply.status;
}
