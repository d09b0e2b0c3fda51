import type { Item } from '../items/item.ts';
import { neverFits } from '../memory-budget.ts';
import type { Database, Row, Statement } from './database/database.ts';
import { confidential, raw, read, type Sql, sql, write } from './database/sql.ts';
import { insertDeliveries } from './deliveries.ts';
import type { ConversationPosition } from './history.ts';
import { insertItems, selectItems } from './items.ts';
import { OPEN } from './process-lease.ts';
import { type RequestOrigin, readRequestOrigin } from './request-origin.ts';
import type { TenantStore } from './tenant-store.ts';
import { ITEM_CHUNKS, joinText, ROW_SIZE, splitText } from './text.ts';
import { untilKnown } from './until-known.ts';

/** The progress of a turn, as far as state/ has to know it. */
export interface JobProgress {
  /** How many items earlier rounds added for the model. Named `said` because progress is stored as JSON. */
  said: number;
}

/**
 * Version of the format of jobs, stored as `background` in the row of the response. A process leaves newer ones to others,
 * untouched, and reads all older ones.
 */
export const JOB_VERSION = 1;

/** Whether this program can read the job of the response `r`. */
const KNOWN = sql`r.background BETWEEN 1 AND ${raw(JOB_VERSION)}`;

/** The stored job of a background turn, not yet parsed. */
export interface StoredJob {
  /** JSON of the request and the progress, from `insertJob` or `advanceJob`. */
  request: string;
  progress: string;
  requestOrigin: RequestOrigin | undefined;
  /** Whether calls of tools had started; nobody knows how far they came. */
  calling: boolean;
  /** The turn's own input, and the items that earlier rounds added for the model; for `itemsOf`. */
  input: readonly Row[];
  roundItems: readonly Row[];
  /** Output items and log blocks that are written already. */
  writtenItems: number;
  writtenBlocks: number;
  parent: string | null;
  /** Where the chain of responses left a conversation. */
  chainStart: ConversationPosition | null;
}

/** A new job: the request, what else it needs of that, its caller, and its progress. */
export interface NewJob {
  request: unknown;
  requestOrigin: RequestOrigin;
  caller: string;
  progress: JobProgress;
}

/** Inserts a job, as JSON. */
export function insertJob(
  tenant: string,
  id: string,
  { request, requestOrigin, caller, progress }: NewJob,
): Statement[] {
  const { head, rest } = splitText({ tenant, owner: id, kind: 'job', position: 0 }, JSON.stringify(request));
  return [
    write(sql`INSERT INTO jobs (tenant, response, body, progress, calling, caller, asked)
      VALUES (${tenant}, ${id}, ${head}, ${confidential(tenant, JSON.stringify(progress))}, 0, ${caller},
        ${confidential(tenant, JSON.stringify(requestOrigin))})`),
    ...rest,
  ];
}

/**
 * Updates a job after a round, with the items that the round added for the model; or within it, where calls of tools run (`calling`): their effects
 * must not happen twice, so the round is not run again.
 */
export function advanceJob(
  tenant: string,
  id: string,
  progress: JobProgress,
  items: readonly Item[],
  calling = false,
): Statement[] {
  return [
    write(sql`UPDATE jobs SET progress = ${confidential(tenant, JSON.stringify(progress))}, calling = ${raw(calling ? 1 : 0)}
      WHERE tenant = ${tenant} AND response = ${id}`),
    ...insertItems({ tenant, owner: id, kind: 'round', position: progress.said - items.length, items }),
  ];
}

/** Deletes a job. */
export function removeJob(tenant: string, id: string): Statement[] {
  return [
    write(sql`DELETE FROM jobs WHERE tenant = ${tenant} AND response = ${id}`),
    write(sql`DELETE FROM chunks WHERE tenant = ${tenant} AND holder = ${id} AND side IN ('job', 'round')`),
    write(sql`DELETE FROM items WHERE tenant = ${tenant} AND holder = ${id} AND side = 'round'`),
  ];
}

/** Ends a background turn as failed of which nothing can be read, whoever runs it; a response that has ended stays as it is. */
export async function abandonJob({ database, tenant, webhooks }: TenantStore, id: string): Promise<void> {
  const end = write(sql`UPDATE responses AS r SET status = 'failed', owner = '', waits = 0, log_until = ${Date.now()}
    WHERE r.tenant = ${tenant} AND r.id = ${id} AND r.background > 0 AND ${OPEN} RETURNING id`);
  const isEnded = await untilKnown(async (again) => (await database.batch({ end })).end.length > 0 || again);
  if (!isEnded) return;
  const batch = { webhooks: insertDeliveries(tenant, { id, status: 'failed' }, webhooks), job: removeJob(tenant, id) };
  await untilKnown<unknown>(
    () => database.batch(batch),
    async () => true, // a delivery of this event is there
  );
}

/**
 * Reserves memory for a job before `claimJob` reads it; throws `overloaded` when there is none. A job that could never fit
 * gets the whole budget: it was accepted when there was more.
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
 * Claims a turn for this process; undefined when another process runs it, when it has ended, or when it needs a newer
 * program.
 */
export async function claimJob(
  { database, tenant, lease }: Pick<TenantStore, 'database' | 'tenant' | 'lease'>,
  id: string,
): Promise<StoredJob | undefined> {
  const batch = (owners: Sql) => ({
    claimed: write(sql`UPDATE responses AS r SET owner = ${lease.id}, status = 'in_progress'
      WHERE r.tenant = ${tenant} AND r.id = ${id} AND ${KNOWN} AND ${OPEN} AND r.owner IN (${owners})
      RETURNING parent, conversation, base`),
    jobs: read(sql`SELECT j.progress, j.asked, j.calling, j.body, k.n, k.body AS more FROM jobs j LEFT JOIN chunks k
        ON j.body = '' AND k.tenant = j.tenant AND k.holder = j.response AND k.side = 'job' AND k.place = 0
      WHERE j.tenant = ${tenant} AND j.response = ${id} ORDER BY k.n`),
    input: selectItems(tenant, id, 'input'),
    roundItems: selectItems(tenant, id, 'round'),
    counts: read(sql`SELECT
      (SELECT count(*) FROM items i WHERE i.tenant = ${tenant} AND i.holder = ${id} AND i.side = 'output') AS written,
      (SELECT count(*) FROM events e WHERE e.tenant = ${tenant} AND e.response = ${id}) AS blocks`),
  });
  const {
    claimed: [row],
    jobs,
    input,
    roundItems,
    counts: [counts],
  } = await untilKnown((again) => lease.write(database, batch(again ? sql`'', ${lease.id}` : sql`''`)));
  const [job] = joinText(jobs);
  if (!row) return undefined;
  return {
    request: job?.text ?? '',
    progress: String(job?.row.progress ?? ''),
    requestOrigin: readRequestOrigin(String(job?.row.asked ?? '')),
    calling: job?.row.calling === 1,
    input,
    roundItems,
    writtenItems: Number(counts?.written),
    writtenBlocks: Number(counts?.blocks),
    parent: row.parent === null ? null : String(row.parent),
    chainStart: row.conversation === null ? null : { id: String(row.conversation), base: Number(row.base) },
  };
}

/** How far a turn has come, and the request that asked for it, while its job is there. */
export async function findProgress(
  { database, tenant }: TenantStore,
  id: string,
): Promise<{ progress: string; requestOrigin: RequestOrigin | undefined } | undefined> {
  const { found } = await database.batch({
    found: read(sql`SELECT j.progress, j.asked FROM jobs j WHERE j.tenant = ${tenant} AND j.response = ${id}`),
  });
  const [job] = found;
  return job && { progress: String(job.progress), requestOrigin: readRequestOrigin(String(job.asked)) };
}

/** Whether this process still owns a turn: others may have ended or claimed it. */
export async function ownsJob({ database, tenant, lease }: TenantStore, id: string): Promise<boolean> {
  const { found } = await database.batch({
    found: read(sql`SELECT r.owner FROM responses r WHERE r.tenant = ${tenant} AND r.id = ${id}`),
  });
  return found[0]?.owner === lease.id;
}

/** Releases a turn, so that any process may claim it at once. */
export function releaseJob(tenant: string, id: string, owner: string): Statement {
  return write(sql`UPDATE responses AS r SET owner = ''
    WHERE r.tenant = ${tenant} AND r.id = ${id} AND r.owner = ${owner} AND ${OPEN}`);
}

/** A background turn waiting to run, and its caller. */
export interface WaitingJob {
  tenant: string;
  id: string;
  caller: string;
}

/**
 * Selects background turns that no process runs and this program can read, in every tenant, at most `max`: each caller's
 * oldest first, then each one's next.
 */
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
