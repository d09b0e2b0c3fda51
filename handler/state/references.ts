import type { Item } from '../items/item.ts';
import { batchesOf } from './batches.ts';
import { maxReadable, parseItems, refuseTooLarge, selectBounded } from './bounded.ts';
import { list, read, sql } from './database/sql.ts';
import { isId, notFound, type TenantStore } from './tenant-store.ts';
import { bytesOf, ITEM_CHUNKS } from './text.ts';

/**
 * Reads the items with these ids that clients may still see: those of an unexpired response, or of a conversation. Throws an
 * ApiError, naming `input`: 404 when one is not found that is not `optional`, and `context_length_exceeded` when all are too large.
 */
export async function findItems(
  store: TenantStore,
  ids: readonly string[],
  optional: ReadonlySet<string> = new Set(),
): Promise<Map<string, Item>> {
  const { database, tenant } = store;
  const found = new Map<string, Item>();
  let remaining = store.history;
  for (const batch of batchesOf(ids.filter(isId))) {
    const items = {
      from: sql`FROM items i ${ITEM_CHUNKS} WHERE i.tenant = ${tenant} AND i.id IN (${list(batch)})
        AND (i.conversation IS NOT NULL OR EXISTS (SELECT 1 FROM responses r
          WHERE r.tenant = i.tenant AND r.id = i.holder AND r.expires_at > ${Date.now()}))`,
      order: sql`i.id, i.holder, i.side, i.place, k.n`,
    };
    const rest = { ...store, history: remaining };
    const maxBytes = maxReadable(rest);
    const { rows } = await database.batch({ rows: selectBounded(items, maxBytes) });
    if (rows.length === 0) await refuseTooLarge(rest, [items], maxBytes, 'input');
    for (const item of parseItems(store, rows, 'input')) found.set(item.id, item);
    remaining -= bytesOf(rows);
  }
  if (ids.some((id) => !found.has(id) && !optional.has(id))) throw notFound('item that input refers to', 'input');
  return found;
}

/** The ids among these that belong to items of a conversation. */
export async function idsInConversation(
  { database, tenant }: TenantStore,
  conversation: string,
  ids: readonly string[],
): Promise<string[]> {
  const found = batchesOf(ids.filter(isId)).map((batch) =>
    read(sql`SELECT i.id FROM items i WHERE i.tenant = ${tenant} AND i.conversation = ${conversation}
      AND i.id IN (${list(batch)})`),
  );
  if (found.length === 0) return [];
  const rows = await database.batch({ found });
  return rows.found.map(({ id }) => String(id));
}
