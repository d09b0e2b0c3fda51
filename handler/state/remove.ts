import { fixedLimits } from '../limits.ts';
import type { Database, Row, Statement } from './database/database.ts';
import { list, raw, read, type Sql, sql, write } from './database/sql.ts';
import { LOCKED } from './history.ts';
import { OPEN } from './process-lease.ts';

/** Rows that one slice looks at. */
const MAX_ROWS = fixedLimits.sweepRows;
const ROW_LIMIT = raw(MAX_ROWS);

/** Cost of removing an item besides its bytes, and the limit of a slice, in bytes. */
const [ITEM_OVERHEAD, MAX_BYTES] = [4096, 2 * 1024 * 1024];

/** Items per slice of a response or conversation larger than that limit. */
const LARGE_BATCH_SIZE = 32;

/** Chunks of texts, and blocks of logs, per slice. */
const [MAX_CHUNKS, MAX_BLOCKS] = [raw(16), raw(64)];

/** Whether another response builds on the response `r`, and one on the conversation `v`. */
const CONTINUED = sql`EXISTS (SELECT 1 FROM responses c WHERE c.tenant = r.tenant AND c.parent = r.id)`;
const BEGUN_IN = sql`EXISTS (SELECT 1 FROM responses r WHERE r.tenant = v.tenant AND r.conversation = v.id)`;

/** Kinds of texts to remove: with the response, and with its log alone. */
const [OWN_TEXTS, LOG_TEXTS] = [sql`'log', 'body'`, sql`'log'`];

/** Whether events of the response `r`, or texts of these kinds, still exist. */
const logExists = (kinds: Sql) => sql`(EXISTS (SELECT 1 FROM events e WHERE e.tenant = r.tenant AND e.response = r.id)
  OR EXISTS (SELECT 1 FROM chunks k WHERE k.tenant = r.tenant AND k.holder = r.id AND k.side IN (${kinds})))`;

/**
 * Deletes leaves and then their ancestors, child before parent, so a batch may stop anywhere: one slice of the responses that
 * expired before a time, with their items unless a conversation has them. A response that others build on is marked as
 * waiting, and not looked at until the last of them is gone. Returns whether there may be more.
 */
export async function removeResponses(database: Database, before: number): Promise<boolean> {
  const { due } = await database.batch({
    // Bounded first: else PostgreSQL takes the conditions of a row for those of many, and reads the whole table for them.
    due: read(sql`SELECT r.tenant, r.id, r.parent, r.conversation, CASE WHEN ${OPEN} OR ${CONTINUED} THEN 1 ELSE 0 END AS blocked,
        ${weightOf(sql`i.tenant = r.tenant AND i.holder = r.id`)}
      FROM (SELECT d.tenant, d.id, d.parent, d.conversation, d.status, d.expires_at FROM responses d WHERE d.waits = 0 AND d.expires_at < ${before}
        ORDER BY d.expires_at LIMIT ${ROW_LIMIT}) r ORDER BY r.expires_at`),
  });
  if (due.length === 0) return false;
  const { blocked, free, items } = sliceOf(due);
  const own: ItemSelection = {
    which: sql`i.conversation IS NULL AND (i.tenant, i.holder)`,
    by: sql`i.tenant, i.holder, i.side, i.place`,
  };
  await database.batch({
    // Two statements: for an OR, PostgreSQL reads the whole table.
    waiting: [OPEN, CONTINUED].flatMap((condition) =>
      forRows(
        blocked,
        (ids) => sql`UPDATE responses AS r SET waits = 1 WHERE (r.tenant, r.id) IN ${ids} AND ${condition}`,
      ),
    ),
    items: removeItems(free, own, items),
    texts: removeLog(free, OWN_TEXTS),
    keys: forRows(free, (ids) => sql`DELETE FROM idempotency WHERE (tenant, response) IN ${ids}`),
    metadata: forRows(free, METADATA_OF),
    responses: forRows(
      free,
      (
        ids,
      ) => sql`DELETE FROM responses AS r WHERE (r.tenant, r.id) IN ${ids} AND NOT ${logExists(OWN_TEXTS)} AND NOT EXISTS
        (SELECT 1 FROM items i WHERE i.tenant = r.tenant AND i.holder = r.id AND i.conversation IS NULL)`,
    ),
    parents: forRows(
      referencedBy(free, 'parent'),
      (ids) => sql`UPDATE responses AS r SET waits = 0
        WHERE (r.tenant, r.id) IN ${ids} AND r.waits = 1 AND NOT ${CONTINUED}`,
    ),
    conversations: forRows(
      referencedBy(free, 'conversation'),
      (ids) => sql`UPDATE conversations AS v SET waits = 0
        WHERE (v.tenant, v.id) IN ${ids} AND v.waits = 1 AND NOT ${BEGUN_IN}`,
    ),
  });
  return true;
}

/** Deletes one slice of the expired events of background turns. Returns whether there may be more. */
export async function removeLogs(database: Database, now: number): Promise<boolean> {
  const { due } = await database.batch({
    due: read(
      sql`SELECT r.tenant, r.id FROM responses r WHERE r.log_until < ${now} ORDER BY r.log_until LIMIT ${ROW_LIMIT}`,
    ),
  });
  if (due.length === 0) return false;
  await database.batch({
    log: removeLog(due, LOG_TEXTS),
    responses: forRows(
      due,
      (ids) => sql`UPDATE responses AS r SET log_until = NULL
        WHERE (r.tenant, r.id) IN ${ids} AND NOT ${logExists(LOG_TEXTS)}`,
    ),
  });
  return true;
}

/**
 * Deletes a batch of conversations that were not written to since a time, as their users could. Returns whether there may be
 * more.
 */
export async function expireConversations(database: Database, before: number, now: number): Promise<boolean> {
  const { due } = await database.batch({
    // A conversation with a running turn is in use.
    due: write(sql`UPDATE conversations AS c SET deleted_at = CASE WHEN ${LOCKED} THEN NULL ELSE CAST(${now} AS bigint) END,
        used_at = CASE WHEN ${LOCKED} THEN ${now} ELSE used_at END
      WHERE (c.tenant, c.id) IN (SELECT v.tenant, v.id FROM conversations v
        WHERE v.deleted_at IS NULL AND v.used_at < ${before} ORDER BY v.used_at LIMIT ${ROW_LIMIT}) RETURNING id`),
  });
  return due.length > 0;
}

/**
 * Deletes one slice of the conversations that were deleted before a time, with the items that only they have. A conversation
 * that responses build on waits until the last of them is gone. Returns whether there may be more.
 */
export async function removeConversations(database: Database, before: number): Promise<boolean> {
  const { due } = await database.batch({
    due: read(sql`SELECT v.tenant, v.id, CASE WHEN ${BEGUN_IN} THEN 1 ELSE 0 END AS blocked,
        ${weightOf(sql`i.tenant = v.tenant AND i.conversation = v.id`)}
      FROM (SELECT d.tenant, d.id, d.deleted_at FROM conversations d WHERE d.waits = 0 AND d.deleted_at < ${before}
        ORDER BY d.deleted_at LIMIT ${ROW_LIMIT}) v ORDER BY v.deleted_at`),
  });
  if (due.length === 0) return false;
  const { blocked, free, items } = sliceOf(due);
  const own: ItemSelection = {
    which: sql`i.conversation IS NOT NULL AND (i.tenant, i.conversation)`,
    by: sql`i.tenant, i.conversation, i.conversation_place`,
  };
  await database.batch({
    waiting: forRows(
      blocked,
      (ids) => sql`UPDATE conversations AS v SET waits = 1 WHERE (v.tenant, v.id) IN ${ids} AND ${BEGUN_IN}`,
    ),
    items: removeItems(free, own, items),
    metadata: forRows(free, METADATA_OF),
    conversations: forRows(
      free,
      (ids) => sql`DELETE FROM conversations AS v WHERE (v.tenant, v.id) IN ${ids}
        AND NOT EXISTS (SELECT 1 FROM items i WHERE i.tenant = v.tenant AND i.conversation = v.id)`,
    ),
  });
  return true;
}

const METADATA_OF = (ids: Sql) => sql`DELETE FROM metadata WHERE (tenant, holder) IN ${ids}`;

/** Items to remove: a condition that the list of ids completes, and their order. */
interface ItemSelection {
  which: Sql;
  by: Sql;
}

/** Deletes the first items, and the chunks of their texts. */
function removeItems(rows: readonly Row[], { which, by }: ItemSelection, max: number): Statement[] {
  const first = (ids: Sql) => sql`SELECT i.tenant, i.holder, i.side, i.place FROM items i
    WHERE ${which} IN ${ids} ORDER BY ${by} LIMIT ${raw(max)}`;
  return [
    ...forRows(
      rows,
      (ids) => sql`DELETE FROM chunks WHERE (tenant, holder, side, place, n) IN (
        SELECT k.tenant, k.holder, k.side, k.place, k.n FROM (${first(ids)}) p CROSS JOIN chunks k
        WHERE k.tenant = p.tenant AND k.holder = p.holder AND k.side = p.side AND k.place = p.place LIMIT ${MAX_CHUNKS})`,
    ),
    ...forRows(
      rows,
      (ids) => sql`DELETE FROM items WHERE (tenant, holder, side, place) IN (${first(ids)}) AND NOT EXISTS (
        SELECT 1 FROM chunks k WHERE k.tenant = items.tenant AND k.holder = items.holder AND k.side = items.side
        AND k.place = items.place)`,
    ),
  ];
}

/** Deletes the first events of responses, and the chunks of texts of these kinds. */
function removeLog(rows: readonly Row[], kinds: Sql): Statement[] {
  return [
    ...forRows(
      rows,
      (ids) => sql`DELETE FROM chunks WHERE (tenant, holder, side, place, n) IN (
        SELECT k.tenant, k.holder, k.side, k.place, k.n FROM chunks k
        WHERE (k.tenant, k.holder) IN ${ids} AND k.side IN (${kinds}) LIMIT ${MAX_CHUNKS})`,
    ),
    ...forRows(
      rows,
      (ids) => sql`DELETE FROM events WHERE (tenant, response, n) IN (
        SELECT e.tenant, e.response, e.n FROM events e WHERE (e.tenant, e.response) IN ${ids} LIMIT ${MAX_BLOCKS})`,
    ),
  ];
}

/** SQL: the cost of removing the items of a condition, counted up to the limit of a slice. */
function weightOf(condition: Sql): Sql {
  return sql`(SELECT coalesce(sum(w.bytes), 0) FROM (SELECT ${raw(ITEM_OVERHEAD)} + octet_length(i.body) AS bytes FROM items i
    WHERE ${condition} LIMIT ${raw(MAX_BYTES / ITEM_OVERHEAD + 1)}) w) AS weight`;
}

/** Splits due rows into those that have to wait and those that go now, and says how many items go with them at most. */
function sliceOf(due: readonly Row[]): { blocked: Row[]; free: Row[]; items: number } {
  const free: Row[] = [];
  let weight = 0;
  for (const row of due) {
    if (row.blocked === 1) continue;
    weight += Number(row.weight);
    if (weight > MAX_BYTES && free.length > 0) break;
    free.push(row);
  }
  const isLarge = free.length === 1 && weight > MAX_BYTES;
  return {
    blocked: due.filter((row) => row.blocked === 1),
    free,
    items: isLarge ? LARGE_BATCH_SIZE : MAX_BYTES / ITEM_OVERHEAD,
  };
}

/** Parents or conversations of the rows, by column. */
function referencedBy(rows: readonly Row[], column: 'parent' | 'conversation'): Row[] {
  return rows.flatMap((row) => (row[column] ? [{ tenant: row.tenant ?? null, id: row[column] }] : []));
}

/**
 * A statement about rows, by a list of their tenants and ids; none without rows. The list has a fixed length, so that drivers
 * can reuse their prepared statements.
 */
function forRows(rows: readonly Row[], statement: (ids: Sql) => Sql): Statement[] {
  const [first] = rows;
  if (!first) return [];
  const pairs = Array.from({ length: MAX_ROWS }, (_, n): Sql => {
    const { tenant = null, id = null } = rows[n] ?? first;
    return sql`(${tenant}, ${id})`;
  });
  return [write(statement(sql`(VALUES ${list(pairs)})`))];
}
