import { fixedLimits } from '../limits.ts';
import type { Database, Row, Statement, Value } from './database/database.ts';
import { LOCKED } from './history.ts';
import { OPEN } from './owner.ts';

/** Rows that a slice looks at. */
const ROWS = fixedLimits.sweepRows;

/** What an item costs to remove beside its own bytes, and what a slice removes of items, in bytes. */
const [EACH, SIZE] = [4096, 2 * 1024 * 1024];

/** Items that a slice removes of one response or conversation that is larger than that; of any, pieces of texts and blocks of logs. */
const [ITEMS, CHUNKS, BLOCKS] = [32, 16, 64];

/** Whether another response goes on from the response `r`, and one from the conversation `v`. */
const CONTINUED = 'EXISTS (SELECT 1 FROM responses c WHERE c.tenant = r.tenant AND c.parent = r.id)';
const BEGUN_IN = 'EXISTS (SELECT 1 FROM responses r WHERE r.tenant = v.tenant AND r.conversation = v.id)';

/** Whether events of the response `r` are kept, or a part of texts on these sides of it. */
const hasLog = (sides: string) => `(EXISTS (SELECT 1 FROM events e WHERE e.tenant = r.tenant AND e.response = r.id)
  OR EXISTS (SELECT 1 FROM chunks k WHERE k.tenant = r.tenant AND k.holder = r.id AND k.side IN (${sides})))`;

/**
 * A slice of the removal of responses that expired before a time and that nothing builds on, with their items unless a
 * conversation holds them. One that something builds on waits, and is not looked at again until the last of that is gone.
 * Says whether there may be more.
 */
export async function removeResponses(database: Database, before: number): Promise<boolean> {
  const [due = []] = await database.batch([
    {
      sql: `SELECT r.tenant, r.id, r.parent, r.conversation, CASE WHEN ${OPEN} OR ${CONTINUED} THEN 1 ELSE 0 END AS held,
          ${weightOf('i.tenant = r.tenant AND i.holder = r.id')}
        FROM responses r WHERE r.waits = 0 AND r.expires_at < ? ORDER BY r.expires_at LIMIT ${ROWS}`,
      values: [before],
    },
  ]);
  if (due.length === 0) return false;
  const { held, free, items } = portionOf(due);
  const own: Portion = {
    which: 'i.conversation IS NULL AND (i.tenant, i.holder)',
    by: 'i.tenant, i.holder, i.side, i.place',
  };
  await database.batch([
    ...on(
      held,
      (ids) => `UPDATE responses AS r SET waits = 1 WHERE (r.tenant, r.id) IN ${ids}
      AND (${OPEN} OR ${CONTINUED})`,
    ),
    ...removeItems(free, own, items),
    ...removeLog(free, "'log', 'body'"),
    ...on(free, (ids) => `DELETE FROM idempotency WHERE (tenant, response) IN ${ids}`),
    ...on(
      free,
      (
        ids,
      ) => `DELETE FROM responses AS r WHERE (r.tenant, r.id) IN ${ids} AND NOT ${hasLog("'log', 'body'")} AND NOT EXISTS
      (SELECT 1 FROM items i WHERE i.tenant = r.tenant AND i.holder = r.id AND i.conversation IS NULL)`,
    ),
    ...on(
      parentsOf(free, 'parent'),
      (ids) => `UPDATE responses AS r SET waits = 0
      WHERE (r.tenant, r.id) IN ${ids} AND r.waits = 1 AND NOT ${CONTINUED}`,
    ),
    ...on(
      parentsOf(free, 'conversation'),
      (ids) => `UPDATE conversations AS v SET waits = 0
      WHERE (v.tenant, v.id) IN ${ids} AND v.waits = 1 AND NOT ${BEGUN_IN}`,
    ),
  ]);
  return true;
}

/** A slice of the removal of the events of background turns that were kept until a time. Says whether there may be more. */
export async function removeLogs(database: Database, now: number): Promise<boolean> {
  const [due = []] = await database.batch([
    {
      sql: `SELECT r.tenant, r.id FROM responses r WHERE r.log_until < ? ORDER BY r.log_until LIMIT ${ROWS}`,
      values: [now],
    },
  ]);
  if (due.length === 0) return false;
  await database.batch([
    ...removeLog(due, "'log'"),
    ...on(
      due,
      (ids) => `UPDATE responses AS r SET log_until = NULL WHERE (r.tenant, r.id) IN ${ids} AND NOT ${hasLog("'log'")}`,
    ),
  ]);
  return true;
}

/**
 * Deletes some conversations that nobody has written to since a time, as their users could. Says whether there may be more.
 */
export async function expireConversations(database: Database, before: number, now: number): Promise<boolean> {
  const [due = []] = await database.batch([
    {
      // One that a turn is being made in is in use.
      sql: `UPDATE conversations AS c SET deleted_at = CASE WHEN ${LOCKED} THEN NULL ELSE ? END,
          used_at = CASE WHEN ${LOCKED} THEN ? ELSE used_at END
        WHERE (c.tenant, c.id) IN (SELECT v.tenant, v.id FROM conversations v
          WHERE v.deleted_at IS NULL AND v.used_at < ? ORDER BY v.used_at LIMIT ${ROWS}) RETURNING id`,
      values: [now, now, before],
    },
  ]);
  return due.length > 0;
}

/**
 * A slice of the removal of conversations that were deleted before a time and that no response goes on from, with the items
 * that only they hold; others wait until the last of those is gone. Says whether there may be more.
 */
export async function removeConversations(database: Database, before: number): Promise<boolean> {
  const [due = []] = await database.batch([
    {
      sql: `SELECT v.tenant, v.id, CASE WHEN ${BEGUN_IN} THEN 1 ELSE 0 END AS held,
          ${weightOf('i.tenant = v.tenant AND i.conversation = v.id')}
        FROM conversations v WHERE v.waits = 0 AND v.deleted_at < ? ORDER BY v.deleted_at LIMIT ${ROWS}`,
      values: [before],
    },
  ]);
  if (due.length === 0) return false;
  const { held, free, items } = portionOf(due);
  const own: Portion = {
    which: 'i.conversation IS NOT NULL AND (i.tenant, i.conversation)',
    by: 'i.tenant, i.conversation, i.conversation_place',
  };
  await database.batch([
    ...on(held, (ids) => `UPDATE conversations AS v SET waits = 1 WHERE (v.tenant, v.id) IN ${ids} AND ${BEGUN_IN}`),
    ...removeItems(free, own, items),
    ...on(
      free,
      (ids) => `DELETE FROM conversations AS v WHERE (v.tenant, v.id) IN ${ids}
      AND NOT EXISTS (SELECT 1 FROM items i WHERE i.tenant = v.tenant AND i.conversation = v.id)`,
    ),
  ]);
  return true;
}

/** Items of what is removed: a condition that ends before the list of its ids, and their order. */
interface Portion {
  which: string;
  by: string;
}

/** Removes the first of the items, and of the texts that they are kept in. */
function removeItems(of: readonly Row[], { which, by }: Portion, most: number): Statement[] {
  const portion = (ids: string) =>
    `SELECT i.tenant, i.holder, i.side, i.place FROM items i WHERE ${which} IN ${ids} ORDER BY ${by} LIMIT ${most}`;
  return [
    ...on(
      of,
      (ids) => `DELETE FROM chunks WHERE (tenant, holder, side, place, n) IN (
      SELECT k.tenant, k.holder, k.side, k.place, k.n FROM (${portion(ids)}) p CROSS JOIN chunks k
      WHERE k.tenant = p.tenant AND k.holder = p.holder AND k.side = p.side AND k.place = p.place LIMIT ${CHUNKS})`,
    ),
    ...on(
      of,
      (ids) => `DELETE FROM items WHERE (tenant, holder, side, place) IN (${portion(ids)}) AND NOT EXISTS (
      SELECT 1 FROM chunks k WHERE k.tenant = items.tenant AND k.holder = items.holder AND k.side = items.side
      AND k.place = items.place)`,
    ),
  ];
}

/** Removes the first of the events of responses, and of the texts on these sides of them. */
function removeLog(of: readonly Row[], sides: string): Statement[] {
  return [
    ...on(
      of,
      (ids) => `DELETE FROM chunks WHERE (tenant, holder, side, place, n) IN (
      SELECT k.tenant, k.holder, k.side, k.place, k.n FROM chunks k
      WHERE (k.tenant, k.holder) IN ${ids} AND k.side IN (${sides}) LIMIT ${CHUNKS})`,
    ),
    ...on(
      of,
      (ids) => `DELETE FROM events WHERE (tenant, response, n) IN (
      SELECT e.tenant, e.response, e.n FROM events e WHERE (e.tenant, e.response) IN ${ids} LIMIT ${BLOCKS})`,
    ),
  ];
}

/** What the items of a condition come to, as far as a slice has to know. */
function weightOf(condition: string): string {
  return `(SELECT coalesce(sum(w.bytes), 0) FROM (SELECT ${EACH} + octet_length(i.body) AS bytes FROM items i
    WHERE ${condition} LIMIT ${SIZE / EACH + 1}) w) AS weight`;
}

/** Which of the rows that are due have to wait, which go now, and how many items go with them at most. */
function portionOf(due: readonly Row[]): { held: Row[]; free: Row[]; items: number } {
  const free: Row[] = [];
  let weight = 0;
  for (const row of due) {
    if (row.held === 1) continue;
    weight += Number(row.weight);
    if (weight > SIZE && free.length > 0) break;
    free.push(row);
  }
  const alone = free.length === 1 && weight > SIZE;
  return { held: due.filter((row) => row.held === 1), free, items: alone ? ITEMS : SIZE / EACH };
}

/** What the rows go on from, by the column that names it. */
function parentsOf(rows: readonly Row[], column: 'parent' | 'conversation'): Row[] {
  return rows.flatMap((row) => (row[column] ? [{ tenant: row.tenant ?? null, id: row[column] }] : []));
}

/** A statement about rows, by a list of their tenants and ids, and none without rows. The list is always as long: drivers keep what they have prepared. */
function on(rows: readonly Row[], sql: (ids: string) => string): Statement[] {
  const [first] = rows;
  if (!first) return [];
  const values = Array.from({ length: ROWS }, (_, n): Value[] => {
    const { tenant = null, id = null } = rows[n] ?? first;
    return [tenant, id];
  });
  return [{ sql: sql(`(VALUES ${values.map(() => '(?, ?)').join(', ')})`), values: values.flat() }];
}
