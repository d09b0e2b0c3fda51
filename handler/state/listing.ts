import { afterUsersOf, partitionOf, userOf } from '../caller.ts';
import { ApiError } from '../errors.ts';
import { fixedLimits } from '../fixed-limits.ts';
import { beforeIdsOf, timeOf } from '../ids.ts';
import type { ConversationListQuery } from '../protocol/list.ts';
import type { Row, Statement } from './database/database.ts';
import { lagging, raw, read, type Sql, sql } from './database/sql.ts';
import { isId, type TenantStore } from './tenant-store.ts';

/** Rows of the first look of a page, which is enough for most, and of each later one; of a whole tenant each row costs more. */
const [FIRST_ROWS, NEXT_ROWS, NEXT_OF_WHOLE] = [256, 5_000, 1_000];

/** How long after its begin a request may still make something, in milliseconds: a WebSocket is open for an hour. */
const REQUEST_MS = 2 * 3_600_000;

/** What stands between a user and an id in the cursor of a whole tenant's list. */
const COLON = ':';

/** A kind of objects that are listed. */
export interface Listed {
  table: 'responses' | 'conversations';
  /** What its ids begin with. */
  prefix: 'resp' | 'conv';
  /** The columns beside `id` of a row `r` that filters read: all are in one index. */
  columns: Sql;
  /** The condition on a row `r`, or on a row `p` of the columns, that clients may see it. */
  present: { r: Sql; p: Sql };
  /** Its own filters, on a row `p`. */
  filters: readonly Sql[];
  /** What has an object of another kind. */
  holding(id: string, kind: IdKind): Selection;
  /** Those that are asked for, if few are like them. */
  few?: Selection | undefined;
}

/** Some objects: `ids` selects the `id` of each in a partition, perhaps twice, and `is` is the condition on a row `p`. */
export interface Selection {
  ids(tenant: string): Sql;
  is: Sql;
}

/** What an id can be of, as far as it shows: items are called as clients like. */
export type IdKind = 'resp' | 'conv' | 'item';

/** The primary key of a listed object. */
export interface Place {
  tenant: string;
  id: string;
}

/** The places of a page, and one more if there is more; with `rest` fewer were found so far, and it goes on from there. */
export interface FoundPlaces {
  places: Place[];
  rest: Place | undefined;
}

/** The tenant whose users' objects are all listed; undefined for those in the store's partition alone. */
export type WholeTenant = string | undefined;

/**
 * Finds the objects of a page: those in the store's partition or, of a `whole` tenant, those of one user after another. It
 * looks at `fixedLimits.listRows` rows of an index at most, in batches that others' requests go between. Throws an ApiError for
 * a cursor that can be none.
 */
export async function findPlaces(
  store: TenantStore,
  listed: Listed,
  query: ConversationListQuery,
  whole: WholeTenant,
): Promise<FoundPlaces> {
  const { database, tenant } = store;
  const look = await openLook(store, listed, query, whole);
  const places: Place[] = [];
  let cursor = readCursor(listed, query, store, whole);
  let looked = 0;
  for (let rows = FIRST_ROWS; ; rows = whole === undefined ? NEXT_ROWS : NEXT_OF_WHOLE) {
    const missing = query.limit + 1 - places.length;
    // What is found is then read where it is the newest: nothing is listed that was deleted.
    const { found } = await database.batch({ found: lagging(look(cursor, rows, missing)) });
    const edge = found.find((row) => row.edge === 1);
    places.push(...found.filter((row) => row !== edge).map((row) => placeOf(row, tenant)));
    looked += rows;
    if (!edge) return { places, rest: undefined };
    cursor = placeOf(edge, tenant);
    if (looked >= fixedLimits.listRows) return { places, rest: cursor };
  }
}

function placeOf({ tenant, id }: Row, own: string): Place {
  return { tenant: String(tenant ?? own), id: String(id) };
}

/**
 * Selects, of so many rows behind a cursor, what fits, at most `max`; if that is less, and all these rows are there, also the last of them,
 * whose `edge` is 1: the next look begins behind it.
 */
type Look = (cursor: Place | undefined, rows: number, max: number) => Statement;

/** Bounds a selection to the last of so many rows, or to none, which reads nothing, where `fitting` has as many as were asked for. */
function edgeOf(rows: number, max: number): Sql {
  return sql`LIMIT CASE WHEN (SELECT count(*) FROM fitting) < ${max} THEN 1 ELSE 0 END OFFSET ${rows - 1}`;
}

async function openLook(
  { database, tenant }: TenantStore,
  { table, prefix, columns, present, filters, holding, few }: Listed,
  { order, limit: _, user, metadata, id, created_after: from = 0, created_before: until }: ConversationListQuery,
  whole: WholeTenant,
): Promise<Look> {
  const conditions = [present.p, ...filters];
  if (user !== undefined) conditions.push(sql`p.made_by = ${user}`);
  const bounds = { from: from * 1000, until: until === undefined ? Number.POSITIVE_INFINITY : until * 1000 };
  const pairs = Object.entries(metadata);
  const kind = id === undefined ? undefined : kindOf(id);
  const own = whole === undefined ? sql`${tenant}` : raw('p.tenant');
  let only: string | undefined;
  let source: Sql | undefined;
  if (id !== undefined && kind === prefix) only = id;
  else if (id !== undefined && kind !== undefined) {
    const { ids, is } = holding(id, kind);
    if (whole !== undefined) conditions.push(kind === 'item' ? sql`(p.request = ${id} OR ${is})` : is);
    else if (kind !== 'item' || (await isItem())) source = sql`SELECT DISTINCT a.id FROM (${ids(tenant)}) a`;
    else {
      conditions.push(sql`p.request = ${id}`);
      narrowTo(id, bounds);
    }
  }
  const [first] = pairs;
  if (!source && first && whole === undefined) {
    pairs.shift();
    source = sql`SELECT m.holder AS id FROM metadata m
      WHERE m.tenant = ${tenant} AND m.key = ${first[0]} AND m.value = ${first[1]}`;
  }
  if (few && source) conditions.push(few.is);
  else if (few) source = few.ids(tenant);
  for (const [key, value] of pairs) {
    conditions.push(sql`EXISTS (SELECT 1 FROM metadata m
      WHERE m.tenant = ${own} AND m.key = ${key} AND m.value = ${value} AND m.holder = p.id)`);
  }
  const direction = raw(order);
  const isPast = raw(order === 'asc' ? '>' : '<');
  /** The ids that are asked for, of rows with this name. */
  const inTime = (row: Sql) => {
    const range = sql`${row}.id > ${beforeIdsOf(prefix, bounds.from)} AND ${row}.id < ${beforeIdsOf(prefix, bounds.until)}`;
    return only === undefined ? range : sql`${range} AND ${row}.id = ${only}`;
  };

  async function isItem(): Promise<boolean> {
    const { found } = await database.batch({
      found: read(sql`SELECT i.id FROM items i WHERE i.tenant = ${tenant} AND i.id = ${id ?? null} LIMIT 1`),
    });
    return found.length > 0;
  }

  const all = [...conditions, ...(whole === undefined ? [] : [inTime(raw('p'))])].reduce(
    (left, right) => sql`${left} AND ${right}`,
  );
  if (whole !== undefined) {
    return (cursor, rows, max) => {
      const past = cursor ? sql` AND (r.tenant, r.id) ${isPast} (${cursor.tenant}, ${cursor.id})` : raw('');
      const inner = (bound: Sql) => sql`SELECT r.tenant, r.id, ${columns} FROM ${raw(table)} r
        WHERE r.tenant >= ${whole} AND r.tenant < ${afterUsersOf(whole)} AND ${present.r}${past}
        ORDER BY r.tenant ${direction}, r.id ${direction} ${bound}`;
      return read(sql`WITH fitting (tenant, id) AS (SELECT p.tenant, p.id FROM (${inner(sql`LIMIT ${rows}`)}) p WHERE ${all}
          ORDER BY p.tenant ${direction}, p.id ${direction} LIMIT ${max})
        SELECT tenant, id, 0 AS edge FROM fitting UNION ALL SELECT c.tenant, c.id, 1 AS edge FROM (${inner(edgeOf(rows, max))}) c
        ORDER BY edge, tenant ${direction}, id ${direction}`);
    };
  }
  return (cursor, rows, max) => {
    const past = (row: Sql) => (cursor ? sql`${inTime(row)} AND ${row}.id ${isPast} ${cursor.id}` : inTime(row));
    const inner = (bound: Sql) =>
      source
        ? sql`SELECT h.id FROM (${source}) h WHERE ${past(raw('h'))} ORDER BY h.id ${direction} ${bound}`
        : sql`SELECT r.tenant, r.id, ${columns} FROM ${raw(table)} r
            WHERE r.tenant = ${tenant} AND ${present.r} AND ${past(raw('r'))} ORDER BY r.id ${direction} ${bound}`;
    const within = sql`(${inner(sql`LIMIT ${rows}`)})`;
    const candidates = source
      ? sql`${within} c CROSS JOIN ${raw(table)} p WHERE p.tenant = ${tenant} AND p.id = c.id AND ${all}`
      : sql`${within} p WHERE ${all}`;
    return read(sql`WITH fitting (id) AS (SELECT p.id FROM ${candidates} ORDER BY p.id ${direction} LIMIT ${max})
      SELECT id, 0 AS edge FROM fitting UNION ALL SELECT c.id, 1 AS edge FROM (${inner(edgeOf(rows, max))}) c
      ORDER BY edge, id ${direction}`);
  };
}

/** What an id is of: whatever is neither a response's nor a conversation's may be an item's. */
function kindOf(id: string): IdKind {
  return id.startsWith('resp_') ? 'resp' : id.startsWith('conv_') ? 'conv' : 'item';
}

/** Narrows times to those of a request, if its id is one of our own, which begin with their time. */
function narrowTo(request: string, bounds: { from: number; until: number }): void {
  if (!/^req_[0-9a-f]{48}$/.test(request)) return;
  const begin = timeOf(request);
  bounds.from = Math.max(bounds.from, begin);
  bounds.until = Math.min(bounds.until, begin + REQUEST_MS);
}

/** Reads `after`: an id or, of a whole tenant's list, a user and an id. */
function readCursor(
  { prefix }: Listed,
  { after }: ConversationListQuery,
  { tenant }: TenantStore,
  whole: WholeTenant,
): Place | undefined {
  if (after === undefined) return undefined;
  const at = whole === undefined ? -1 : after.lastIndexOf(COLON);
  const id = after.slice(at + 1);
  if (!isId(after) || !id.startsWith(`${prefix}_`) || (whole !== undefined && at < 0)) {
    throw new ApiError('invalid_value', 'after is not the last_id of a page of this list', { param: 'after' });
  }
  if (whole === undefined) return { tenant, id };
  const user = after.slice(0, at);
  return { tenant: (user && partitionOf({ tenant: whole, user }, 'user')) || whole, id };
}

/** Writes the cursor of a place. */
export function cursorOf({ tenant, id }: Place, whole: WholeTenant): string {
  if (whole === undefined) return id;
  return (userOf(tenant) ?? '') + COLON + id;
}
