import type { Database, Statement } from '../database/database.ts';
import { removeOldDeliveries } from './deliveries.ts';
import type { Owner } from './owner.ts';

/** Responses, or conversations, removed in one batch: short enough that writers hardly wait. */
const AT_ONCE = 200;

/** How long something hidden stays, in milliseconds: a turn that has just been read what it goes on from is still beginning. */
const GRACE = 60_000;

/**
 * Ends turns that nobody makes any more as failed, in every tenant, and removes what is expired or deleted and what
 * nobody builds on: responses leaf first, and the items of deleted conversations. Any number of processes may do it at once.
 */
export async function sweep(database: Database, owner: Owner, now: number): Promise<void> {
  await owner.look(database);
  for (let removed = AT_ONCE; removed > 0; ) removed = await removeLeaves(database, now - GRACE);
  for (let removed = AT_ONCE; removed > 0; ) removed = await removeLogs(database, now);
  for (let removed = AT_ONCE; removed > 0; ) removed = await removeConversations(database, now - GRACE);
  await database.batch([
    removeOldDeliveries(now),
    // One that is alive, and makes nothing, says so again when it does.
    { sql: 'DELETE FROM owners WHERE alive_until < ?', values: [now - GRACE] },
  ]);
}

/**
 * Removes responses that nothing builds on, with their items unless a conversation holds them; gives how many. A chain
 * goes with its last response, as far up as nothing else builds on it: those before come last, so any part may go first.
 */
async function removeLeaves(database: Database, before: number): Promise<number> {
  const gone = `WITH RECURSIVE gone (tenant, id, parent) AS (
      SELECT * FROM (SELECT r.tenant, r.id, r.parent FROM responses r
        WHERE r.expires_at < ? AND r.status NOT IN ('queued', 'in_progress')
        AND NOT EXISTS (SELECT 1 FROM responses c WHERE c.tenant = r.tenant AND c.parent = r.id)
        ORDER BY r.expires_at, r.id LIMIT ${AT_ONCE}) leaves
      UNION ALL
      SELECT r.tenant, r.id, r.parent FROM gone g CROSS JOIN responses r
        WHERE r.tenant = g.tenant AND r.id = g.parent AND r.expires_at < ?
        AND NOT EXISTS (SELECT 1 FROM responses c WHERE c.tenant = r.tenant AND c.parent = r.id AND c.id <> g.id)
    ) SELECT tenant, id FROM gone LIMIT ${AT_ONCE}`;
  const own = `(tenant, holder) IN (${gone})`;
  const remove = (sql: string): Statement => ({ sql, values: [before, before] });
  const [, , , , , removed = []] = await database.batch([
    remove(`DELETE FROM idempotency WHERE (tenant, response) IN (${gone})`),
    remove(`DELETE FROM events WHERE (tenant, response) IN (${gone})`),
    remove(`DELETE FROM chunks WHERE ${own} AND side IN ('body', 'log')`),
    remove(`DELETE FROM chunks WHERE (tenant, holder, side, place) IN
      (SELECT tenant, holder, side, place FROM items WHERE ${own} AND conversation IS NULL)`),
    remove(`DELETE FROM items WHERE ${own} AND conversation IS NULL`),
    remove(`DELETE FROM responses WHERE (tenant, id) IN (${gone}) RETURNING id`),
  ]);
  return removed.length;
}

/** Removes the events of background turns that have been kept for long enough; gives of how many responses. */
async function removeLogs(database: Database, now: number): Promise<number> {
  const old = `SELECT tenant, id FROM responses WHERE log_until < ? ORDER BY log_until LIMIT ${AT_ONCE}`;
  const remove = (sql: string): Statement => ({ sql, values: [now] });
  const [, , removed = []] = await database.batch([
    remove(`DELETE FROM chunks WHERE (tenant, holder) IN (${old}) AND side = 'log'`),
    remove(`DELETE FROM events WHERE (tenant, response) IN (${old})`),
    remove(`UPDATE responses SET log_until = NULL WHERE (tenant, id) IN (${old}) RETURNING id`),
  ]);
  return removed.length;
}

/** Removes deleted conversations that no response goes on from, with the items that only they hold; gives how many. */
async function removeConversations(database: Database, before: number): Promise<number> {
  const gone = `SELECT tenant, id FROM conversations v WHERE v.deleted_at < ?
    AND NOT EXISTS (SELECT 1 FROM responses r WHERE r.tenant = v.tenant AND r.conversation = v.id)
    ORDER BY v.deleted_at, v.tenant, v.id LIMIT ${AT_ONCE}`;
  const own = `conversation IS NOT NULL AND (tenant, conversation) IN (${gone})`;
  const remove = (sql: string): Statement => ({ sql, values: [before] });
  const [, , removed = []] = await database.batch([
    remove(`DELETE FROM chunks WHERE (tenant, holder, side, place) IN
      (SELECT tenant, holder, side, place FROM items WHERE ${own})`),
    remove(`DELETE FROM items WHERE ${own}`),
    remove(`DELETE FROM conversations WHERE (tenant, id) IN (${gone}) RETURNING id`),
  ]);
  return removed.length;
}
