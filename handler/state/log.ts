import type { ErrorEvent, ItemEvent, LifecycleEvent, ResponseEvent } from '../events/events.ts';
import type { Row, Statement } from './database/database.ts';
import { read, sql, write } from './database/sql.ts';
import type { TenantStore } from './tenant-store.ts';
import { joinText, splitText } from './text.ts';

/**
 * An event as stored in the log. Lifecycle events are stored without their response, which has a row of its own. The terminal
 * event is not stored: the row says how the response ended.
 */
export type LoggedEvent = ItemEvent | ErrorEvent | Omit<LifecycleEvent, 'response'>;

/** Whether clients get this event with the whole response in it. */
export function isLifecycle(event: LoggedEvent): event is Omit<LifecycleEvent, 'response'> {
  return ['response.created', 'response.queued', 'response.in_progress'].includes(event.type);
}

/** Serializes an event for the log. */
export function toLine(event: ResponseEvent): string {
  if (!('response' in event)) return JSON.stringify(event);
  const { response: _, ...rest } = event;
  return JSON.stringify(rest);
}

/** Inserts a block of lines; `last` is the greatest sequence number in it. An existing block of this number undoes the batch. */
export function insertBlock(
  tenant: string,
  id: string,
  n: number,
  lines: readonly string[],
  last: number,
): Statement[] {
  const { head, rest } = splitText({ tenant, owner: id, kind: 'log', position: n }, lines.join('\n'));
  return [
    write(sql`INSERT INTO events (tenant, response, n, last, body) VALUES (${tenant}, ${id}, ${n}, ${last}, ${head})`),
    ...rest,
  ];
}

/** Undoes the batch if a block of this number exists. */
export function requireNoBlock(tenant: string, id: string, n: number): Statement {
  return write(sql`UPDATE responses SET status = CASE WHEN NOT EXISTS
      (SELECT 1 FROM events e WHERE e.tenant = ${tenant} AND e.response = ${id} AND e.n = ${n}) THEN status END
    WHERE tenant = ${tenant} AND id = ${id}`);
}

/** Whether the events of a response can still be read. */
export async function hasLog({ database, tenant }: TenantStore, id: string): Promise<boolean> {
  const { found } = await database.batch({
    found: read(sql`SELECT r.log_until FROM responses r WHERE r.tenant = ${tenant} AND r.id = ${id}`),
  });
  const until = found[0]?.log_until;
  return until != null && Number(until) > Date.now();
}

/** Blocks per read: about a megabyte. */
const BATCH_SIZE = 16;

/** A part of the log of a response. */
export interface LogPart {
  /** The status of the response, and the number of its last event in the log; undefined when it is gone. */
  row: { status: string; last: number } | undefined;
  events: LoggedEvent[];
  /** The number of the next block. */
  next: number;
  /** Whether there is more to read at once. */
  more: boolean;
}

/** Reads blocks from `from` on, in one round trip; skips those whose events all have numbers up to `after`. */
export async function readLog(
  { database, tenant }: TenantStore,
  id: string,
  from: number,
  after: number,
): Promise<LogPart> {
  const {
    found: [row],
    rows,
  } = await database.batch({
    found: read(sql`SELECT r.status, (SELECT e.last FROM events e WHERE e.tenant = r.tenant AND e.response = r.id
        ORDER BY e.n DESC LIMIT 1) AS last
      FROM responses r WHERE r.tenant = ${tenant} AND r.id = ${id}`),
    rows: read(sql`SELECT e.n AS block, e.body, k.n, k.body AS more FROM (
        SELECT * FROM events e WHERE e.tenant = ${tenant} AND e.response = ${id} AND e.n >= ${from} AND e.last > ${after}
        ORDER BY e.n LIMIT ${BATCH_SIZE}
      ) e LEFT JOIN chunks k ON e.body = '' AND k.tenant = e.tenant AND k.holder = e.response AND k.side = 'log'
        AND k.place = e.n ORDER BY e.n, k.n`),
  });
  const blocks = joinText(rows);
  return {
    row: row && { status: String(row.status), last: Number(row.last ?? -1) },
    events: blocks.flatMap(({ text }) => text.split('\n').map(toEvent)),
    next: blockAfter(blocks.at(-1)?.row) ?? from,
    more: blocks.length === BATCH_SIZE,
  };
}

function toEvent(line: string): LoggedEvent {
  return JSON.parse(line) as LoggedEvent; // as toLine wrote it
}

function blockAfter(row: Row | undefined): number | undefined {
  return row && Number(row.block) + 1;
}
