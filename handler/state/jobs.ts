import type { Item } from '../items/item.ts';
import { neverFits } from '../memory-budget.ts';
import type { Database, Row, Statement } from './database/database.ts';
import { raw, read, type Sql, sql, write } from './database/sql.ts';
import type { ConversationPlace } from './history.ts';
import { insertItems, selectItems } from './items.ts';
import { OPEN } from './process-lease.ts';
import type { TenantStore } from './tenant-store.ts';
import { ITEM_CHUNKS, joinText, ROW_SIZE, splitText } from './text.ts';

/** How far a turn has come, as far as it matters here. */
export interface JobProgress {
  /** What earlier rounds said to the model beyond the turn's own input is in items of their own: how many there are. */
  said: number;
}

/**
 * The version of what turns in the background are run from, kept as `background` in the response's row. A process leaves
 * those of a newer version to others, untouched; the one that makes a newer version goes on with all that came before.
 */
export const JOB_VERSION = 1;

/** Whether this program can go on with what the response `r` is made from. */
const KNOWN = sql`r.background BETWEEN 1 AND ${raw(JOB_VERSION)}`;

/** What a turn in the background is run from, as it is kept; nothing of it has been looked at. */
export interface StoredJob {
  /** JSON of the request and of the progress, as `insertJob` was given them, or `advanceJob`. */
  request: string;
  progress: string;
  /** A tool's call has begun, and nobody knows how far it came. */
  calling: boolean;
  /** The turn's own input, and what earlier rounds said to the model: for `itemsOf`. */
  input: readonly Row[];
  roundItems: readonly Row[];
  /** Items of the output that are written, and blocks of the log. */
  writtenItems: number;
  writtenBlocks: number;
  parent: string | null;
  /** Where the chain began in a conversation. */
  chainStart: ConversationPlace | null;
}

/** What a turn is run from: the request, by whom it was sent, and how far it has come. */
export interface NewJob {
  request: unknown;
  caller: string;
  progress: JobProgress;
}

/** Keeps what a turn is run from, as JSON. */
export function insertJob(tenant: string, id: string, { request, caller, progress }: NewJob): Statement[] {
  const { head, rest } = splitText({ tenant, owner: id, kind: 'job', position: 0 }, JSON.stringify(request));
  return [
    write(sql`INSERT INTO jobs (tenant, response, body, progress, calling, caller)
      VALUES (${tenant}, ${id}, ${head}, ${JSON.stringify(progress)}, 0, ${caller})`),
    ...rest,
  ];
}

/** Keeps what a round has come to, with what it said to the model. */
export function advanceJob(tenant: string, id: string, progress: JobProgress, items: readonly Item[]): Statement[] {
  return [
    write(sql`UPDATE jobs SET progress = ${JSON.stringify(progress)}, calling = 0
      WHERE tenant = ${tenant} AND response = ${id}`),
    ...insertItems({ tenant, owner: id, kind: 'round', position: progress.said - items.length }, items),
  ];
}

/** Notes that a tool's call is about to have its effects: from then on its round is not run again. */
export function noteCall(tenant: string, id: string): Statement {
  return write(sql`UPDATE jobs SET calling = 1 WHERE tenant = ${tenant} AND response = ${id}`);
}

/** Removes what a turn was run from. */
export function removeJob(tenant: string, id: string): Statement[] {
  return [
    write(sql`DELETE FROM jobs WHERE tenant = ${tenant} AND response = ${id}`),
    write(sql`DELETE FROM chunks WHERE tenant = ${tenant} AND holder = ${id} AND side IN ('job', 'round')`),
    write(sql`DELETE FROM items WHERE tenant = ${tenant} AND holder = ${id} AND side = 'round'`),
  ];
}

/**
 * Takes the memory of what a turn is run from, before `claimJob` reads it; throws an ApiError, `overloaded`, where there is no
 * room. What could never have room was sent when there was more: it is made all the same.
 */
export async function takeJobMemory({ database, tenant, memory }: TenantStore, id: string): Promise<void> {
  const size = (kind: Sql) => sql`coalesce((SELECT sum(${ROW_SIZE}) FROM items i ${ITEM_CHUNKS}
    WHERE i.tenant = ${tenant} AND i.holder = ${id} AND i.side = ${kind}), 0)`;
  const { sizes } = await database.batch({
    sizes: read(sql`SELECT ${size(sql`'input'`)} + ${size(sql`'round'`)} + coalesce((SELECT sum(octet_length(k.body))
      FROM chunks k WHERE k.tenant = ${tenant} AND k.holder = ${id} AND k.side = 'job' AND k.place = 0), 0) AS bytes`),
  });
  const bytes = Number(sizes[0]?.bytes ?? 0);
  if (neverFits(memory.budget, bytes)) memory.add(memory.budget.limit);
  else memory.takeParsed(bytes);
}

/**
 * Makes this process the one that runs a turn, if nobody alive does; undefined when somebody does, when it has ended, or when only a
 * newer program can make it.
 */
export async function claimJob({ database, tenant, lease }: TenantStore, id: string): Promise<StoredJob | undefined> {
  const {
    claimed: [row],
    jobs,
    input,
    roundItems,
    counts: [counts],
  } = await lease.write(database, {
    claimed: write(sql`UPDATE responses AS r SET owner = ${lease.id}, status = 'in_progress'
      WHERE r.tenant = ${tenant} AND r.id = ${id} AND ${KNOWN} AND ${OPEN} AND r.owner = ''
      RETURNING parent, conversation, base`),
    jobs: read(sql`SELECT j.progress, j.calling, j.body, k.n, k.body AS more FROM jobs j LEFT JOIN chunks k
        ON j.body = '' AND k.tenant = j.tenant AND k.holder = j.response AND k.side = 'job' AND k.place = 0
      WHERE j.tenant = ${tenant} AND j.response = ${id} ORDER BY k.n`),
    input: selectItems(tenant, id, 'input'),
    roundItems: selectItems(tenant, id, 'round'),
    counts: read(sql`SELECT
      (SELECT count(*) FROM items i WHERE i.tenant = ${tenant} AND i.holder = ${id} AND i.side = 'output') AS written,
      (SELECT count(*) FROM events e WHERE e.tenant = ${tenant} AND e.response = ${id}) AS blocks`),
  });
  const [job] = joinText(jobs);
  if (!row) return undefined;
  return {
    request: job?.text ?? '',
    progress: String(job?.row.progress ?? ''),
    calling: job?.row.calling === 1,
    input,
    roundItems,
    writtenItems: Number(counts?.written),
    writtenBlocks: Number(counts?.blocks),
    parent: row.parent === null ? null : String(row.parent),
    chainStart: row.conversation === null ? null : { id: String(row.conversation), base: Number(row.base) },
  };
}

/** Whether this process still runs a turn: others may have ended it, or taken it over. */
export async function ownsJob({ database, tenant, lease }: TenantStore, id: string): Promise<boolean> {
  const { found } = await database.batch({
    found: read(sql`SELECT r.owner FROM responses r WHERE r.tenant = ${tenant} AND r.id = ${id}`),
  });
  return found[0]?.owner === lease.id;
}

/** Lets go of a turn that this process runs no more, so that any process may take it at once. */
export function releaseJob(tenant: string, id: string, owner: string): Statement {
  return write(sql`UPDATE responses AS r SET owner = ''
    WHERE r.tenant = ${tenant} AND r.id = ${id} AND r.owner = ${owner} AND ${OPEN}`);
}

/** A turn in the background that waits to be made, and who asked for it. */
export interface WaitingJob {
  tenant: string;
  id: string;
  caller: string;
}

/** Turns in the background that this program can make and no process alive runs, of every tenant: each caller's oldest, then each one's next; at most `most`. */
export async function waitingJobs(database: Database, max: number): Promise<WaitingJob[]> {
  const { waiting } = await database.batch({
    waiting: read(sql`SELECT p.tenant, p.id, p.caller FROM (
        SELECT r.tenant, r.id, coalesce(j.caller, '') AS caller, row_number() OVER (PARTITION BY j.caller ORDER BY r.id) AS n
        FROM responses r LEFT JOIN jobs j ON j.tenant = r.tenant AND j.response = r.id
        WHERE ${OPEN} AND ${KNOWN} AND r.owner = ''
      ) p ORDER BY p.n, p.id LIMIT ${max}`),
  });
  return waiting.map(({ tenant, id, caller }) => ({ tenant: String(tenant), id: String(id), caller: String(caller) }));
}
