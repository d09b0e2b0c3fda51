import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import type { Conversation } from '../protocol/conversation.ts';
import type { ItemList, ListQuery } from '../protocol/list.ts';
import { maxReadable } from './bounded.ts';
import { conversationOf, present, selectConversation } from './conversations.ts';
import { Conflict } from './database/database.ts';
import { list, read, sql, write } from './database/sql.ts';
import { conversationLocked, LOCKED, withTurn } from './history.ts';
import { insertItems, itemsOf, type Listing, listOf, pageOf, selectCursor, selectPage } from './items.ts';
import { isOpen, OWNER_BEAT } from './process-lease.ts';
import { refuseFull } from './storage.ts';
import { isId, notFound, type TenantStore } from './tenant-store.ts';
import { bytesOf, ITEM_CHUNKS } from './text.ts';
import { untilKnown } from './until-known.ts';

/** Attempts to add items while others add at the same time; in each, one of them gets through. */
const MAX_TRIES = 20;

/** Appends items to a conversation. Throws 404, `conversation_locked`, `storage_full`, and for an id that is there already. */
export async function addItems(store: TenantStore, id: string, items: Item[]): Promise<ItemList> {
  const { database, tenant, lease } = store;
  if (!isId(id)) throw notFound('conversation');
  await refuseFull(store);
  for (let tries = 1; ; tries++) {
    const {
      found: [found],
      duplicates: [duplicate],
    } = await database.batch({
      found: read(sql`SELECT c.next_place, r.status, ${OWNER_BEAT} ${withTurn(tenant, id)}`),
      duplicates: read(sql`SELECT i.id FROM items i WHERE i.tenant = ${tenant} AND i.conversation = ${id}
        AND i.id IN (${list(items.map((item) => item.id))})`),
    });
    if (!found) throw notFound('conversation');
    if (await lease.endIfDead(database, found)) continue;
    if (isOpen(found.status)) throw conversationLocked();
    if (duplicate)
      throw new ApiError('refused', `items holds the id of an item that is in the conversation: ${duplicate.id}`, {
        param: 'items',
      });
    const next = Number(found.next_place);
    const batch = {
      conversation: write(sql`UPDATE conversations AS c SET used_at = ${Date.now()},
          next_place = CASE WHEN c.next_place = ${next} AND NOT ${LOCKED} THEN CAST(${next + items.length} AS bigint) END
        WHERE c.tenant = ${tenant} AND c.id = ${id}`),
      items: insertItems({ tenant, owner: id, kind: 'added', position: next, items, conversation: { id, next } }),
    };
    try {
      await untilKnown<unknown>(
        () => database.batch(batch),
        () => findAdded(store, id, next, items[0]?.id),
      );
      await store.storedBytes?.count(tenant, batch.items);
      return listOf(items, false);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      if (tries >= MAX_TRIES) throw conversationLocked();
    }
  }
}

/** Whether the item of this id was added at a place; undefined if not. */
async function findAdded(
  { database, tenant }: TenantStore,
  id: string,
  place: number,
  item = '',
): Promise<true | undefined> {
  const { found } = await database.batch({
    found: read(sql`SELECT i.id FROM items i
      WHERE i.tenant = ${tenant} AND i.holder = ${id} AND i.side = 'added' AND i.place = ${place}`),
  });
  return found[0]?.id === item ? true : undefined;
}

/** Reads a page of a conversation's items; throws 404. */
export async function listItems(store: TenantStore, id: string, query: ListQuery): Promise<ItemList> {
  const { database, tenant, memory } = store;
  if (!isId(id)) throw notFound('conversation');
  const listing: Listing = {
    where: sql`i.tenant = ${tenant} AND i.conversation = ${id}`,
    by: 'conversation_place',
  };
  const { found, rows, cursor } = await database.batch({
    found: read(sql`SELECT id FROM conversations WHERE ${present(tenant, id)}`),
    rows: selectPage(listing, query, maxReadable(store)),
    cursor: selectCursor(listing, query),
  });
  if (found.length === 0) throw notFound('conversation');
  memory.takeParsed(bytesOf(rows));
  return pageOf(rows, cursor, query);
}

/** Reads one item of a conversation; throws 404. */
export async function getItem({ database, tenant, memory }: TenantStore, id: string, item: string): Promise<Item> {
  if (!isId(id)) throw notFound('conversation');
  const { found, rows } = await database.batch({
    found: read(sql`SELECT id FROM conversations WHERE ${present(tenant, id)}`),
    rows: read(sql`SELECT i.body, k.n, k.body AS more FROM items i ${ITEM_CHUNKS}
      WHERE i.tenant = ${tenant} AND i.conversation = ${id} AND i.id = ${isId(item) ? item : ''} ORDER BY k.n`),
  });
  if (found.length === 0) throw notFound('conversation');
  memory.takeParsed(bytesOf(rows));
  const [only] = itemsOf(rows);
  if (!only) throw notFound('item');
  return only;
}

/** Removes an item from a conversation; the response that made it keeps it. Throws 404. */
export async function deleteItem(store: TenantStore, id: string, item: string): Promise<Conversation> {
  if (!isId(id)) throw notFound('conversation');
  const { database, tenant } = store;
  const which = sql`tenant = ${tenant} AND conversation = ${id} AND id = ${isId(item) ? item : ''}`;
  const { found, there } = await database.batch({
    found: selectConversation(tenant, id),
    there: read(sql`SELECT id FROM items WHERE ${which}`),
  });
  const conversation = conversationOf(found[0]);
  if (there.length === 0) throw notFound('item');
  const batch = {
    // After a compaction is removed, the items that it hid are read again, from the compaction before it on.
    start: write(sql`UPDATE conversations SET start_place = 0 WHERE tenant = ${tenant} AND id = ${id}
      AND start_place = (SELECT conversation_place FROM items WHERE ${which})`),
    chunks: write(sql`DELETE FROM chunks WHERE (tenant, holder, side, place) IN
      (SELECT tenant, holder, side, place FROM items WHERE ${which} AND ${CONVERSATION_ONLY})`),
    removed: write(sql`DELETE FROM items WHERE ${which} AND ${CONVERSATION_ONLY} RETURNING id`),
    detached: write(sql`UPDATE items SET conversation = NULL, conversation_place = NULL WHERE ${which} RETURNING id`),
  };
  await untilKnown(async (again) => {
    const { removed, detached } = await database.batch(batch);
    if (removed.length + detached.length === 0 && !again) throw notFound('item');
  });
  return conversation;
}

/** Whether an item belongs to its conversation alone: a client added it, or its response is gone. */
const CONVERSATION_ONLY = sql`(side = 'added' OR NOT EXISTS
  (SELECT 1 FROM responses r WHERE r.tenant = items.tenant AND r.id = items.holder))`;
