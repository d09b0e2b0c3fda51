import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import type { ItemList, ListQuery } from '../protocol/list.ts';
import type { Row, Statement } from './database/database.ts';
import { list, raw, read, type Sql, sql, write } from './database/sql.ts';
import { isId } from './tenant-store.ts';
import { CHUNKS_SIZE, ITEM_CHUNKS, joinText, splitText, type TextKey } from './text.ts';

/** Rows per INSERT: D1 takes at most 100 values a statement, and counts statements. */
const BATCH_SIZE = 12;

/** Items of one owner and kind, from the position of the key on; with a conversation, also at its positions from `next` on. */
export interface PlacedItems extends TextKey {
  items: readonly Item[];
  conversation?: { id: string; next: number } | null;
}

/** Inserts lists of items, in as few statements as every database takes. */
export function insertItems(...lists: readonly PlacedItems[]): Statement[] {
  const statements: Statement[] = [];
  const rows: Sql[] = [];
  for (const { items, conversation, ...at } of lists) {
    const { tenant, owner, kind } = at;
    for (const [index, item] of items.entries()) {
      const position = at.position + index;
      const { head, rest } = splitText({ ...at, position }, JSON.stringify(item));
      statements.push(...rest);
      const next = conversation ? conversation.next + index : null;
      rows.push(
        sql`(${tenant}, ${owner}, ${kind}, ${position}, ${item.id}, ${conversation?.id ?? null}, ${next}, ${head})`,
      );
    }
  }
  for (let from = 0; from < rows.length; from += BATCH_SIZE) {
    statements.push(
      write(sql`INSERT INTO items (tenant, holder, side, place, id, conversation, conversation_place, body)
        VALUES ${list(rows.slice(from, from + BATCH_SIZE))}`),
    );
  }
  return statements;
}

/** Parses the items of rows with ITEM_CHUNKS: `i.body`, `k.n` and `k.body AS more`. */
export function itemsOf(rows: readonly Row[]): Item[] {
  return joinText(rows).map(({ text }) => JSON.parse(text) as Item); // the text is what insertItems made of an Item
}

/** Selects the items of one kind of an owner, in order, for `itemsOf`. */
export function selectItems(tenant: string, owner: string, kind: TextKey['kind']): Statement {
  return read(sql`SELECT i.body, k.n, k.body AS more FROM items i ${ITEM_CHUNKS}
    WHERE i.tenant = ${tenant} AND i.holder = ${owner} AND i.side = ${kind} ORDER BY i.place, k.n`);
}

/** A list of items: the condition `where` on `i`, ordered by the column `by`. */
export interface Listing {
  where: Sql;
  by: 'place' | 'conversation_place';
}

/**
 * Selects a page: as many items as fit `maxBytes`, but one at least, and one more than the page holds, for `has_more`. Throws
 * for a cursor that can be no id.
 */
export function selectPage(listing: Listing, { after, limit, order }: ListQuery, maxBytes: number): Statement {
  if (after !== undefined && !isId(after)) throw noSuchCursor();
  const { where } = listing;
  const [by, direction] = [raw(listing.by), raw(order)];
  const pastCursor =
    after === undefined
      ? raw('')
      : sql` AND i.${by} ${raw(order === 'asc' ? '>' : '<')} (SELECT i.${by} FROM items i WHERE ${where} AND i.id = ${after})`;
  return read(sql`SELECT i.body, s.found, k.n, k.body AS more FROM (
      SELECT p.*, count(*) OVER () AS found, sum(p.size) OVER (ORDER BY p.${by} ${direction}) AS total FROM (
        SELECT i.tenant, i.holder, i.side, i.place, i.conversation_place, octet_length(i.body) + ${CHUNKS_SIZE} AS size
        FROM items i WHERE ${where}${pastCursor} ORDER BY i.${by} ${direction} LIMIT ${limit + 1}
      ) p
    ) s CROSS JOIN items i ${ITEM_CHUNKS}
    WHERE (s.total <= ${maxBytes} OR s.total = s.size) AND i.tenant = s.tenant AND i.holder = s.holder AND i.side = s.side
      AND i.place = s.place ORDER BY s.${by} ${direction}, k.n`);
}

/** Selects the cursor of a page if it is in the list; no row also without a cursor. */
export function selectCursor({ where }: Listing, { after }: ListQuery): Statement {
  return read(sql`SELECT i.id FROM items i WHERE ${where} AND i.id = ${after ?? null}`);
}

/** Makes the page of the rows of `selectPage` and `selectCursor`; throws for an `after` that is not in the list. */
export function pageOf(rows: readonly Row[], cursor: readonly Row[], { after, limit }: ListQuery): ItemList {
  if (after !== undefined && cursor.length === 0) throw noSuchCursor();
  const items = itemsOf(rows).slice(0, limit);
  return listOf(items, Number(rows[0]?.found ?? 0) > items.length);
}

/** Items as the API's list object. */
export function listOf(data: Item[], has_more: boolean): ItemList {
  return { object: 'list', data, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null, has_more };
}

function noSuchCursor(): ApiError {
  return new ApiError('invalid_value', 'after is not the id of an item in this list', { param: 'after' });
}
