import { describe, log } from '../log.ts';
import type { Database, Statement } from '../state/database/database.ts';
import {
  DELIVERY_TIMEOUT_MS,
  type Delivery,
  isTold,
  nextDue,
  postpone,
  removeDelivery,
  takeDue,
} from '../state/deliveries.ts';
import { untilKnown } from '../state/until-known.ts';
import type { TelemetrySlot } from '../telemetry/telemetry.ts';
import type { TraceHeaders } from '../trace-headers.ts';
import type { Transport } from '../transport.ts';
import { sign, type Webhook } from './webhook.ts';

/** Concurrent deliveries per URL. */
const MAX_CONCURRENT = 8;

/** Timeout of a delivery, in milliseconds; a receiver should store the event and process it later. */
const TIMEOUT_MS = 15_000;

/** How long an attempt is claimed, in milliseconds: a process that dies during one delays the delivery by so much. */
const CLAIM_MS = 2 * TIMEOUT_MS;

/** Delay after the first failure, and the longest, in milliseconds; each is twice the one before. */
const [MIN_RETRY_MS, MAX_RETRY_MS] = [2_000, 6 * 3_600_000];

/** What delivering webhooks needs. */
export interface DelivererOptions {
  database: Database;
  transport: Transport;
  telemetry: TelemetrySlot;
}

/** Delivers what is due, and returns when the next delivery is: milliseconds since 1970, undefined for never. */
export type Deliver = () => Promise<number | undefined>;

/** Delivers events to the webhooks of the newest configuration. */
export interface Deliverer {
  deliver: Deliver;
  /** Changes the webhooks: later attempts have these secrets, and other URLs are not called any more. */
  setWebhooks(webhooks: readonly Webhook[]): void;
}

/** A webhook, and its name for the log: many receivers authorize callers by the path of the URL alone. */
interface NamedWebhook extends Webhook {
  name: string;
}

/**
 * Delivers each event at least once: any 2xx is a success, anything else is retried with growing delays. Only configured URLs
 * are called, none before `setWebhooks`; none waits for another, and each has one loop at a time, however often it is started.
 */
export function openDeliverer(options: DelivererOptions): Deliverer {
  let webhooks = new Map<string, NamedWebhook>();
  let loops = new Map<string, Deliver>();
  return {
    async deliver() {
      const next = await Promise.all(Array.from(loops.values(), (deliver) => deliver()));
      const times = next.filter((at) => at !== undefined);
      return times.length > 0 ? Math.min(...times) : undefined;
    },
    setWebhooks(all) {
      webhooks = new Map(all.map((webhook, index) => [webhook.url, { ...webhook, name: `webhooks[${index}]` }]));
      loops = new Map(
        all.map(({ url }) => [url, loops.get(url) ?? openLoop(url, () => webhooks.get(url), options)] as const),
      );
    },
  };
}

/** The loop of one URL; `find` gives its webhook, undefined once it is not configured any more. */
function openLoop(url: string, find: () => NamedWebhook | undefined, options: DelivererOptions): Deliver {
  const { database } = options;
  // Attempts outlive a loop that fails, so that the next loop keeps to the bound as well.
  const attempts = new Set<Promise<void>>();
  let running: Promise<number | undefined> | undefined;
  let hasNews = false;
  let wakeUp = Promise.withResolvers<void>();

  const take = async () => {
    const webhook = find();
    if (!webhook) return;
    const free = MAX_CONCURRENT - attempts.size;
    for (const delivery of free > 0 ? await takeDue(database, url, free, CLAIM_MS) : []) {
      const task = attempt(delivery, options, webhook)
        .then((statement) => untilKnown(() => database.batch({ statement })))
        .then(
          () => {},
          (error) => log.error('a webhook is left for later', { error: describe(error) }),
        )
        .finally(() => attempts.delete(task));
      attempts.add(task);
    }
  };
  const loop = async () => {
    try {
      for (;;) {
        hasNews = false;
        wakeUp = Promise.withResolvers();
        await take();
        if (attempts.size > 0) await Promise.race([wakeUp.promise, ...attempts]);
        else {
          if (!find()) return undefined;
          const next = await nextDue(database, url);
          if (!hasNews) return next;
        }
      }
    } finally {
      running = undefined;
    }
  };
  return () => {
    // The running loop takes new deliveries at once, if it has a free slot.
    hasNews = true;
    wakeUp.resolve();
    running ??= loop();
    return running;
  };
}

/** Attempts a delivery once, and returns the statement that records the result. */
async function attempt(
  delivery: Delivery,
  { transport, telemetry }: DelivererOptions,
  webhook: NamedWebhook,
): Promise<Statement> {
  const { id, body, requestOrigin, tries, created } = delivery;
  const now = Date.now();
  const line = {
    request_id: requestOrigin?.request_id,
    webhook: webhook.name,
    event: id,
    response_id: responseOf(body),
    tries,
    tenant: requestOrigin?.caller?.tenant,
    user: requestOrigin?.caller?.user,
  };
  if (!isTold(webhook, delivery.tenant)) {
    log.warn('a webhook was given up, since its URL is of another tenant now', line);
    return removeDelivery(delivery);
  }
  const activity = telemetry.current?.begin({
    kind: 'webhook',
    webhook: webhook.name,
    event: id,
    tries,
    requestId: requestOrigin?.request_id,
    trace: requestOrigin?.trace,
  });
  let status: number | undefined;
  let failure: unknown;
  try {
    status = await send(webhook, id, body, transport, activity?.trace);
    if (status < 200 || status >= 300) failure = `status ${status}`;
  } catch (error) {
    failure = error;
  }
  activity?.end({ status, failure, caller: requestOrigin?.caller });
  if (failure === undefined) {
    log.info('a webhook was delivered', { ...line, status, duration_ms: Date.now() - now });
    return removeDelivery(delivery);
  }
  const details = { ...line, error: describe(failure) };
  if (now - created > DELIVERY_TIMEOUT_MS) {
    log.error('a webhook was given up', details);
    return removeDelivery(delivery);
  }
  log.warn('a webhook could not be delivered', details);
  const delay = Math.min(MIN_RETRY_MS * 2 ** (tries - 1), MAX_RETRY_MS);
  return postpone(delivery, now + delay * (1 + Math.random() / 5)); // jitter, so that many do not retry at once
}

/** The id of the response that the body of an event tells of. */
function responseOf(body: string): string | undefined {
  return /"data":\{"id":"(\w+)"/.exec(body)?.[1];
}

async function send(
  webhook: Webhook,
  id: string,
  body: string,
  transport: Transport,
  trace: TraceHeaders | undefined,
): Promise<number> {
  const headers = { 'content-type': 'application/json', ...trace, ...(await sign(webhook, id, body, Date.now())) };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const reply = await transport(webhook.url, { method: 'POST', headers, body, signal });
  await reply.body[Symbol.asyncIterator]().return?.();
  return reply.status;
}
