import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import type { ItemList, ListQuery } from '../protocol/list.ts';
import type { Row, Statement, Value } from './database/database.ts';
import { isId } from './scope.ts';
import { CHUNKS_SIZE, ITEM_CHUNKS, joinText, type Place, splitText } from './text.ts';

/** Rows of one INSERT: D1 takes at most 100 values a statement, and counts statements. */
const ROWS = 12;

/** Writes items to a holder, from the place that `at` names on; in a conversation, if given, from `next` on. */
export function insertItems(
  at: Place,
  items: readonly Item[],
  conversation?: { id: string; next: number } | null,
): Statement[] {
  const statements: Statement[] = [];
  const rows = items.map((item, index): Value[] => {
    const place = at.place + index;
    const { head, rest } = splitText({ ...at, place }, JSON.stringify(item));
    statements.push(...rest);
    const there = conversation ? [conversation.id, conversation.next + index] : [null, null];
    return [at.tenant, at.holder, at.side, place, item.id, ...there, head];
  });
  for (let from = 0; from < rows.length; from += ROWS) {
    const some = rows.slice(from, from + ROWS);
    statements.push({
      sql: `INSERT INTO items (tenant, holder, side, place, id, conversation, conversation_place, body)
        VALUES ${some.map(() => '(?, ?, ?, ?, ?, ?, ?, ?)').join(', ')}`,
      values: some.flat(),
    });
  }
  return statements;
}

/** The items of rows that a query read, with ITEM_CHUNKS, as `i.body`, `k.n` and `k.body AS more`. */
export function itemsOf(rows: readonly Row[]): Item[] {
  return joinText(rows).map(({ text }) => JSON.parse(text) as Item); // the text is what insertItems made of an Item
}

/** Reads the items on one side of a holder, in their order, for `itemsOf`. */
export function selectSide(tenant: string, holder: string, side: Place['side']): Statement {
  return {
    sql: `SELECT i.body, k.n, k.body AS more FROM items i ${ITEM_CHUNKS}
      WHERE i.tenant = ? AND i.holder = ? AND i.side = ? ORDER BY i.place, k.n`,
    values: [tenant, holder, side],
  };
}

/** A list of items: those that satisfy `where`, in the order of the column `by`. */
export interface Listing {
  /** A condition on `i`, and its values. */
  where: string;
  values: readonly Value[];
  by: 'place' | 'conversation_place';
}

/**
 * Reads the items of a page, the first ones where they come to more than `most` bytes, but one at least; and one item more
 * than a page holds, so that `has_more` is known. Throws for a cursor that can be no id.
 */
export function selectPage({ where, values, by }: Listing, query: ListQuery, most: number): Statement {
  const { after, limit, order } = query;
  if (after !== undefined && !isId(after)) throw noSuchCursor();
  const way = order === 'asc' ? '>' : '<';
  const beyond =
    after === undefined ? '' : ` AND i.${by} ${way} (SELECT i.${by} FROM items i WHERE ${where} AND i.id = ?)`;
  return {
    sql: `SELECT i.body, s.found, k.n, k.body AS more FROM (
        SELECT p.*, count(*) OVER () AS found, sum(p.size) OVER (ORDER BY p.${by} ${order}) AS total FROM (
          SELECT i.tenant, i.holder, i.side, i.place, i.conversation_place, octet_length(i.body) + ${CHUNKS_SIZE} AS size
          FROM items i WHERE ${where}${beyond} ORDER BY i.${by} ${order} LIMIT ?
        ) p
      ) s CROSS JOIN items i ${ITEM_CHUNKS}
      WHERE (s.total <= ? OR s.total = s.size) AND i.tenant = s.tenant AND i.holder = s.holder AND i.side = s.side
        AND i.place = s.place ORDER BY s.${by} ${order}, k.n`,
    values: [...values, ...(after === undefined ? [] : [...values, after]), limit + 1, most],
  };
}

/** Whether the cursor of a page is in its list; no row also without a cursor. */
export function selectCursor({ where, values }: Listing, { after }: ListQuery): Statement {
  return { sql: `SELECT i.id FROM items i WHERE ${where} AND i.id = ?`, values: [...values, after ?? null] };
}

/** The page of what `selectPage` and `selectCursor` read; throws for an `after` that is not in the list. */
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
