import { DEFAULT_TENANT, tenantOf } from '../caller.ts';
import { newId } from '../ids.ts';
import type { Response } from '../protocol/response.ts';
import type { Database, Statement } from './database/database.ts';
import { raw, read, sql, write } from './database/sql.ts';
import { type RequestOrigin, readRequestOrigin } from './request-origin.ts';
import { untilKnown } from './until-known.ts';

/** How long a delivery is retried, in milliseconds: 72 hours, as OpenAI does. */
export const DELIVERY_TIMEOUT_MS = 72 * 3_600_000;

/** A webhook: its URL, its tenant, without one `default`, and the types of events that it gets; all without a list. */
export interface WebhookTarget {
  url: string;
  tenant?: string | undefined;
  events?: readonly string[] | undefined;
}

/** An event to be delivered to a URL. */
export interface Delivery {
  tenant: string;
  id: string;
  url: string;
  body: string;
  requestOrigin: RequestOrigin | undefined;
  /** Attempts, this one included. */
  tries: number;
  /** Milliseconds since 1970. */
  created: number;
}

/** Whether a webhook may be told of what is in a partition: only what is of its tenant. */
export function isTold({ tenant = DEFAULT_TENANT }: Pick<WebhookTarget, 'tenant'>, partition: string): boolean {
  return tenantOf(partition) === tenant;
}

/** Inserts the deliveries of a background response's end to its tenant's webhooks, to be written together with it and before its job is removed. */
export function insertDeliveries(
  tenant: string,
  { id, status }: Pick<Response, 'id' | 'status'>,
  webhooks: readonly WebhookTarget[],
): Statement[] {
  const type = `response.${status}`;
  const now = Date.now();
  const event = newId('evt');
  const body = { id: event, object: 'event', created_at: Math.floor(now / 1000), type, data: { id } };
  return webhooks
    .filter((webhook) => isTold(webhook, tenant) && (webhook.events?.includes(type) ?? true))
    .map(({ url }) =>
      write(sql`INSERT INTO deliveries (tenant, id, url, body, tries, created, next_at, asked)
        VALUES (${tenant}, ${event}, ${url}, ${JSON.stringify(body)}, 0, ${now}, ${now},
          coalesce((SELECT j.asked FROM jobs j WHERE j.tenant = ${tenant} AND j.response = ${id}), ''))`),
    );
}

/** Claims up to `max` due deliveries to a URL: nobody else gets them for `claimMs` milliseconds. */
export async function takeDue(database: Database, url: string, max: number, claimMs: number): Promise<Delivery[]> {
  const now = Date.now();
  const until = now + claimMs;
  const { claimed } = await untilKnown((again) =>
    database.batch({
      claimed: write(sql`UPDATE deliveries SET tries = tries + 1, next_at = ${until} WHERE (tenant, id, url) IN
          (SELECT tenant, id, url FROM deliveries WHERE url = ${url} AND (next_at <= ${now} OR next_at = ${again ? until : now})
            ORDER BY next_at LIMIT ${max})
        RETURNING tenant, id, url, body, asked, tries, created`),
    }),
  );
  return claimed.map(({ tenant, id, url, body, asked, tries, created }) => ({
    tenant: String(tenant),
    id: String(id),
    url: String(url),
    body: String(body),
    requestOrigin: readRequestOrigin(String(asked)),
    tries: Number(tries),
    created: Number(created),
  }));
}

/** Deletes a delivery that was made or given up. */
export function removeDelivery({ tenant, id, url }: Delivery): Statement {
  return write(sql`DELETE FROM deliveries WHERE tenant = ${tenant} AND id = ${id} AND url = ${url}`);
}

/** Schedules the next attempt, in milliseconds since 1970. */
export function postpone({ tenant, id, url }: Delivery, until: number): Statement {
  return write(
    sql`UPDATE deliveries SET next_at = ${Math.round(until)} WHERE tenant = ${tenant} AND id = ${id} AND url = ${url}`,
  );
}

/** When the next delivery to a URL is due, in milliseconds since 1970; undefined when there is none. */
export async function nextDue(database: Database, url: string): Promise<number | undefined> {
  const { due } = await database.batch({
    due: read(sql`SELECT next_at FROM deliveries WHERE url = ${url} ORDER BY next_at LIMIT 1`),
  });
  return due[0] && Number(due[0].next_at);
}

/** Old deliveries that one statement deletes. */
const BATCH_SIZE = raw(500);

/** Deletes a batch of deliveries that were given up, or whose URL is no longer configured. */
export function removeOldDeliveries(now: number): Statement {
  const old = sql`SELECT d.tenant, d.id, d.url FROM deliveries d WHERE d.created < ${now - 2 * DELIVERY_TIMEOUT_MS} LIMIT ${BATCH_SIZE}`;
  return write(sql`DELETE FROM deliveries WHERE (tenant, id, url) IN (${old})`);
}

/** The most deliveries that are counted: more are as bad, and each is a row to read. */
const MAX_COUNTED = raw(10_000);

/** Deliveries that have not succeeded, of all processes; at most 10,000. */
export async function countDeliveries(database: Database): Promise<number> {
  const { counted } = await database.batch({
    counted: read(sql`SELECT count(*) AS n FROM (SELECT 1 AS one FROM deliveries LIMIT ${MAX_COUNTED}) AS some`),
  });
  return Number(counted[0]?.n);
}
