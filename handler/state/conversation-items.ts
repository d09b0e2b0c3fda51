import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import type { Conversation } from '../protocol/conversation.ts';
import type { ItemList, ListQuery } from '../protocol/list.ts';
import { readable } from './bounded.ts';
import { getConversation, PRESENT } from './conversations.ts';
import { Conflict } from './database/database.ts';
import { conversationLocked, LOCKED, WITH_TURN } from './history.ts';
import { insertItems, itemsOf, listOf, pageOf, selectCursor, selectPage } from './items.ts';
import { isOpen, OWNER_BEAT } from './owner.ts';
import { isId, notFound, type Scope } from './scope.ts';
import { refuseFull } from './storage.ts';
import { bytesOf, ITEM_CHUNKS } from './text.ts';

/** How often adding starts anew when others add at the same time; each time one of them has got through. */
const TRIES = 20;

/** Adds items at the conversation's end. Throws 404, `conversation_locked`, `storage_full`, and for an id that is there already. */
export async function addItems(scope: Scope, id: string, items: Item[]): Promise<ItemList> {
  const { database, tenant, owner } = scope;
  if (!isId(id)) throw notFound('conversation');
  refuseFull(scope);
  for (let tries = 1; ; tries++) {
    const [[found] = [], [same] = []] = await database.batch([
      {
        sql: `SELECT c.next_place, r.status, ${OWNER_BEAT} ${WITH_TURN}`,
        values: [tenant, id],
      },
      {
        sql: `SELECT i.id FROM items i WHERE i.tenant = ? AND i.conversation = ? AND i.id IN (${items.map(() => '?').join(', ')})`,
        values: [tenant, id, ...items.map((item) => item.id)],
      },
    ]);
    if (!found) throw notFound('conversation');
    if (await owner.foundDead(database, found)) continue;
    if (isOpen(found.status)) throw conversationLocked();
    if (same)
      throw new ApiError('refused', `items holds the id of an item that is in the conversation: ${same.id}`, {
        param: 'items',
      });
    const next = Number(found.next_place);
    try {
      await database.batch([
        {
          sql: `UPDATE conversations AS c SET used_at = ?, next_place = CASE WHEN c.next_place = ? AND NOT ${LOCKED} THEN ? END
            WHERE c.tenant = ? AND c.id = ?`,
          values: [Date.now(), next, next + items.length, tenant, id],
        },
        ...insertItems({ tenant, holder: id, side: 'added', place: next }, items, { id, next }),
      ]);
      return listOf(items, false);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      if (tries >= TRIES) throw conversationLocked();
    }
  }
}

/** A page of the conversation's items; throws 404. */
export async function listItems(scope: Scope, id: string, query: ListQuery): Promise<ItemList> {
  const { database, tenant, memory } = scope;
  if (!isId(id)) throw notFound('conversation');
  const listing = {
    where: 'i.tenant = ? AND i.conversation = ?',
    values: [tenant, id],
    by: 'conversation_place',
  } as const;
  const [found = [], rows = [], cursor = []] = await database.batch([
    { sql: `SELECT id FROM conversations WHERE ${PRESENT}`, values: [tenant, id] },
    selectPage(listing, query, readable(scope)),
    selectCursor(listing, query),
  ]);
  if (found.length === 0) throw notFound('conversation');
  memory.takeParsed(bytesOf(rows));
  return pageOf(rows, cursor, query);
}

/** One item of a conversation; throws 404. */
export async function getItem({ database, tenant, memory }: Scope, id: string, item: string): Promise<Item> {
  if (!isId(id)) throw notFound('conversation');
  const [found = [], rows = []] = await database.batch([
    { sql: `SELECT id FROM conversations WHERE ${PRESENT}`, values: [tenant, id] },
    {
      sql: `SELECT i.body, k.n, k.body AS more FROM items i ${ITEM_CHUNKS}
        WHERE i.tenant = ? AND i.conversation = ? AND i.id = ? ORDER BY k.n`,
      values: [tenant, id, isId(item) ? item : ''],
    },
  ]);
  if (found.length === 0) throw notFound('conversation');
  memory.takeParsed(bytesOf(rows));
  const [read] = itemsOf(rows);
  if (!read) throw notFound('item');
  return read;
}

/** Takes an item out of a conversation; the response that made it keeps it. Throws 404. */
export async function deleteItem(scope: Scope, id: string, item: string): Promise<Conversation> {
  const conversation = await getConversation(scope, id);
  const values = [scope.tenant, id, isId(item) ? item : ''];
  const which = 'tenant = ? AND conversation = ? AND id = ?';
  const [, , loose = [], kept = []] = await scope.database.batch([
    {
      // What it stood for is read again: all of it, or from the summary before it on, if there is one.
      sql: `UPDATE conversations SET start_place = 0 WHERE tenant = ? AND id = ?
        AND start_place = (SELECT conversation_place FROM items WHERE ${which})`,
      values: [scope.tenant, id, ...values],
    },
    {
      sql: `DELETE FROM chunks WHERE (tenant, holder, side, place) IN
        (SELECT tenant, holder, side, place FROM items WHERE ${which} AND ${LOOSE})`,
      values,
    },
    { sql: `DELETE FROM items WHERE ${which} AND ${LOOSE} RETURNING id`, values },
    { sql: `UPDATE items SET conversation = NULL, conversation_place = NULL WHERE ${which} RETURNING id`, values },
  ]);
  if (loose.length + kept.length === 0) throw notFound('item');
  return conversation;
}

/** Whether an item is in its conversation only: a client put it there, or the response that held it is gone. */
const LOOSE = `(side = 'added' OR NOT EXISTS
  (SELECT 1 FROM responses r WHERE r.tenant = items.tenant AND r.id = items.holder))`;
