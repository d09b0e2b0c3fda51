import type { ErrorEvent, ItemEvent, LifecycleEvent, ResponseEvent } from '../events/events.ts';
import type { Row, Statement } from './database/database.ts';
import { read, sql, write } from './database/sql.ts';
import type { TenantStore } from './tenant-store.ts';
import { joinText, splitText } from './text.ts';

/**
 * An event as the log keeps it. Those that carry the whole response are kept without it: what they would say of it is in
 * the response's own row. The terminal event is not kept at all, since the row says how the response ended.
 */
export type LoggedEvent = ItemEvent | ErrorEvent | Omit<LifecycleEvent, 'response'>;

/** Whether an event of the log is one that carries the whole response to clients. */
export function isLifecycle(event: LoggedEvent): event is Omit<LifecycleEvent, 'response'> {
  return ['response.created', 'response.queued', 'response.in_progress'].includes(event.type);
}

/** An event as the log keeps it, as text. */
export function toLine(event: ResponseEvent): string {
  if (!('response' in event)) return JSON.stringify(event);
  const { response: _, ...rest } = event;
  return JSON.stringify(rest);
}

/** Keeps a block of lines; `last` is the greatest sequence number in it. A block of this number undoes the batch. */
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

/** Undoes the batch when a block of this number has come in between. */
export function requireNoBlock(tenant: string, id: string, n: number): Statement {
  return write(sql`UPDATE responses SET status = CASE WHEN NOT EXISTS
      (SELECT 1 FROM events e WHERE e.tenant = ${tenant} AND e.response = ${id} AND e.n = ${n}) THEN status END
    WHERE tenant = ${tenant} AND id = ${id}`);
}

/** Whether the events of a response are kept that clients may see. */
export async function hasLog({ database, tenant }: TenantStore, id: string): Promise<boolean> {
  const { found } = await database.batch({
    found: read(sql`SELECT r.log_until FROM responses r WHERE r.tenant = ${tenant} AND r.id = ${id}`),
  });
  const until = found[0]?.log_until;
  return until != null && Number(until) > Date.now();
}

/** Blocks that are read at a time: about a megabyte. */
const BATCH_SIZE = 16;

/** A part of a response's log. */
export interface LogPart {
  /** How far the response has come, and the number of its last event in the log; undefined when it is gone. */
  row: { status: string; last: number } | undefined;
  events: LoggedEvent[];
  /** The number of the block that would follow. */
  next: number;
  /** Whether there is more to be read now. */
  more: boolean;
}

/** Reads from block `from` on, in one round trip; blocks that hold nothing after the number `after` are passed over. */
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
