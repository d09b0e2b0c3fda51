import type { Item } from '../items/item.ts';
import { parseItems, readable, refuseTooLarge, selectBounded } from './bounded.ts';
import { list, read, sql } from './database/sql.ts';
import { isId, notFound, type TenantStore } from './tenant-store.ts';
import { bytesOf, ITEM_CHUNKS } from './text.ts';

/** How many items one statement asks for: D1 takes at most 100 values, and each id is there twice. */
const BATCH_SIZE = 45;

/**
 * The items with these ids that clients may still see, by id: those of a response that is there, or of a conversation.
 * Throws an ApiError, naming `input`: 404 when one is not found, and `context_length_exceeded` when all are too large.
 */
export async function findItems(store: TenantStore, ids: readonly string[]): Promise<Map<string, Item>> {
  const { database, tenant } = store;
  const found = new Map<string, Item>();
  let left = store.history;
  for (const some of inParts(ids)) {
    const items = {
      from: sql`FROM items i ${ITEM_CHUNKS} WHERE i.tenant = ${tenant} AND i.id IN (${list(some)})
        AND (i.conversation IS NOT NULL OR EXISTS (SELECT 1 FROM responses r
          WHERE r.tenant = i.tenant AND r.id = i.holder AND r.expires_at > ${Date.now()}))`,
      order: sql`i.id, i.holder, i.side, i.place, k.n`,
    };
    const rest = { ...store, history: left };
    const most = readable(rest);
    const { rows } = await database.batch({ rows: selectBounded(items, most) });
    if (rows.length === 0) await refuseTooLarge(rest, [items], most, 'input');
    for (const item of parseItems(store, rows, 'input')) found.set(item.id, item);
    left -= bytesOf(rows);
  }
  if (ids.some((id) => !found.has(id))) throw notFound('item that input refers to', 'input');
  return found;
}

/** Which of these ids are those of items in a conversation. */
export async function heldIn(
  { database, tenant }: TenantStore,
  conversation: string,
  ids: readonly string[],
): Promise<string[]> {
  const found = inParts(ids).map((some) =>
    read(sql`SELECT i.id FROM items i WHERE i.tenant = ${tenant} AND i.conversation = ${conversation}
      AND i.id IN (${list(some)})`),
  );
  if (found.length === 0) return [];
  const rows = await database.batch({ found });
  return rows.found.map(({ id }) => String(id));
}

/** What can be ids, as many at a time as a statement asks for. */
function inParts(ids: readonly string[]): string[][] {
  const asked = ids.filter(isId);
  const parts = Math.ceil(asked.length / BATCH_SIZE);
  return Array.from({ length: parts }, (_, n) => asked.slice(n * BATCH_SIZE, (n + 1) * BATCH_SIZE));
}
