import { neverFits, overloaded } from '../memory-budget.ts';
import type { Conversation } from '../protocol/conversation.ts';
import type {
  ConversationList,
  ConversationListQuery,
  ListPage,
  Maker,
  ResponseList,
  ResponseListQuery,
} from '../protocol/list.ts';
import type { Response } from '../protocol/response.ts';
import { batchesOf } from './batches.ts';
import { maxReadable } from './bounded.ts';
import { conversationOf } from './conversations.ts';
import type { Row, Value } from './database/database.ts';
import { list, raw, read, type Sql, sql } from './database/sql.ts';
import { isUnreadable } from './encryption.ts';
import { itemsOf } from './items.ts';
import { cursorOf, type FoundPlaces, findPlaces, type Listed, type Place, type WholeTenant } from './listing.ts';
import { OWNER_BEAT } from './process-lease.ts';
import { responseOf, tooLargeToHold } from './responses.ts';
import type { TenantStore } from './tenant-store.ts';
import { bytesOf, ITEM_CHUNKS, joinText, ROW_SIZE } from './text.ts';

/** Places of one item that a search finds: an item that a client sends again is stored again. */
const MAX_HOLDERS = raw(10_000);

const ENDED = raw(
  "(SELECT r.tenant, r.id, r.status FROM responses r WHERE r.status IN ('incomplete', 'failed', 'cancelled'))",
);
/** The bound makes databases look for those that run first, by their index. */
const RUNNING = raw(
  "(SELECT r.tenant, r.id, r.status FROM responses r WHERE r.status IN ('queued', 'in_progress') LIMIT 1000000)",
);

/** Where responses of the statuses are that few have, each by an index. */
const FEW: Readonly<Record<string, Sql | undefined>> = {
  incomplete: ENDED,
  failed: ENDED,
  cancelled: ENDED,
  queued: RUNNING,
  in_progress: RUNNING,
};

/**
 * Reads a page of the responses that fit a query, each as `getResponse` does. A page ends early at the bytes that are read at
 * once, or when `findPlaces` has looked at all rows that it may; then `has_more` says that it goes on behind `last_id`.
 */
export async function listResponses(
  store: TenantStore,
  query: ResponseListQuery,
  whole?: WholeTenant,
): Promise<ResponseList> {
  const { model, status } = query;
  const now = Date.now();
  // The index that all turns write has no status, since that changes. CASE, so that the row is looked up by its key.
  const statusIs = sql`(SELECT h.status FROM responses h WHERE h.tenant = p.tenant
    AND h.id = CASE WHEN p.id IS NOT NULL THEN p.id END) = ${status ?? null}`;
  const of = status !== undefined && whole === undefined ? FEW[status] : undefined;
  const few = of && {
    ids: (tenant: string) => sql`SELECT a.id FROM ${of} a WHERE a.tenant = ${tenant} AND a.status = ${status ?? null}`,
    is: statusIs,
  };
  const listed: Listed = {
    table: 'responses',
    prefix: 'resp',
    columns: raw('r.expires_at, r.model, r.made_by, r.request'),
    present: { r: raw('true'), p: sql`p.expires_at > ${now}` },
    filters: [
      ...(model === undefined ? [] : [sql`p.model = ${model}`]),
      ...(status === undefined || few ? [] : [statusIs]),
    ],
    few,
    holding: (id, kind) =>
      kind === 'conv'
        ? {
            ids: (tenant) => sql`SELECT h.id FROM responses h WHERE h.tenant = ${tenant} AND h.conversation = ${id}`,
            is: sql`(SELECT h.conversation FROM responses h WHERE h.tenant = p.tenant AND h.id = p.id) = ${id}`,
          }
        : {
            ids: (tenant) => sql`SELECT i.holder AS id FROM items i WHERE i.tenant = ${tenant} AND i.id = ${id}
              LIMIT ${MAX_HOLDERS}`,
            is: sql`EXISTS (SELECT 1 FROM items i WHERE i.tenant = p.tenant AND i.holder = p.id AND i.id = ${id})`,
          },
  };
  const found = await findPlaces(store, listed, query, whole);
  const responses = await readResponses(store, found.places.slice(0, query.limit));
  return pageOf(found, responses, query.limit, whole);
}

/** Reads a page of the conversations that fit a query, with their metadata; a page may end early as that of responses. */
export async function listConversations(
  store: TenantStore,
  query: ConversationListQuery,
  whole?: WholeTenant,
): Promise<ConversationList> {
  const now = Date.now();
  const listed: Listed = {
    table: 'conversations',
    prefix: 'conv',
    columns: raw('r.made_by, r.request, NULL AS deleted_at'),
    present: { r: raw('r.deleted_at IS NULL'), p: raw('p.deleted_at IS NULL') },
    filters: [],
    holding: (id, kind) =>
      kind === 'resp'
        ? {
            ids: (
              tenant,
            ) => sql`SELECT h.conversation AS id FROM responses h WHERE h.tenant = ${tenant} AND h.id = ${id}
              AND h.conversation IS NOT NULL AND h.expires_at > ${now}`,
            is: sql`EXISTS (SELECT 1 FROM responses h WHERE h.tenant = p.tenant AND h.id = ${id}
              AND h.conversation = p.id AND h.expires_at > ${now})`,
          }
        : {
            ids: (tenant) => sql`SELECT i.conversation AS id FROM items i WHERE i.tenant = ${tenant} AND i.id = ${id}
              LIMIT ${MAX_HOLDERS}`,
            is: sql`EXISTS (SELECT 1 FROM items i WHERE i.tenant = p.tenant AND i.conversation = p.id AND i.id = ${id})`,
          },
  };
  const found = await findPlaces(store, listed, query, whole);
  const conversations = await readConversations(store, found.places.slice(0, query.limit));
  return pageOf(found, conversations, query.limit, whole);
}

/** A listed object, and its place. */
interface Listing<T> {
  place: Place;
  object: T & Maker;
}

function pageOf<T extends { id: string }>(
  { places, rest }: FoundPlaces,
  { objects, cut }: { objects: readonly Listing<T>[]; cut: boolean },
  limit: number,
  whole: WholeTenant,
): ListPage<T & Maker> {
  const first = objects[0]?.place;
  const more = places.length > limit;
  const last = cut ? objects.at(-1)?.place : more ? places[limit - 1] : (rest ?? objects.at(-1)?.place);
  return {
    object: 'list',
    data: objects.map(({ object }) => object),
    first_id: first ? cursorOf(first, whole) : null,
    last_id: last ? cursorOf(last, whole) : null,
    has_more: cut || more || rest !== undefined,
  };
}

function makerOf({ made_by, request }: Row): Maker {
  return { made_by: textOrNull(made_by), request_id: textOrNull(request) };
}

function textOrNull(value: Value | undefined): string | null {
  return value == null ? null : String(value);
}

/** Places as a list of rows for a common table expression: tenant, id and number. */
function rowsOf(places: readonly Place[]): Sql {
  return list(places.map(({ tenant, id }, n) => sql`(${tenant}, ${id}, ${raw(n)})`));
}

/** Reads the conversations at some places, without those that are gone by now or cannot be read. */
async function readConversations(store: TenantStore, places: readonly Place[]) {
  const objects: Listing<Conversation>[] = [];
  for (const batch of batchesOf(places)) objects.push(...(await readConversationBatch(store, batch)));
  return { objects, cut: false };
}

async function readConversationBatch(
  { database, memory }: TenantStore,
  places: readonly Place[],
): Promise<Listing<Conversation>[]> {
  const readRows = async (places: readonly Place[]) => {
    const { rows } = await database.batch({
      rows: read(sql`WITH page (tenant, id, n) AS (VALUES ${rowsOf(places)})
        SELECT v.tenant, v.id, p.n, v.created_at, v.metadata, v.made_by, v.request FROM page p CROSS JOIN conversations v
        WHERE v.tenant = p.tenant AND v.id = p.id AND v.deleted_at IS NULL ORDER BY p.n`),
    });
    return rows.flatMap((row) => {
      const place = places[Number(row.n)];
      return place ? [{ row, place }] : [];
    });
  };
  const rows = await readRows(places).catch(async (error) => {
    if (!isUnreadable(error)) throw error;
    return (await readableOf(places, (place) => readRows([place]))).flat();
  });
  memory.takeParsed(rows.reduce((sum, { row }) => sum + String(row.metadata).length, 0));
  return rows.map(({ row, place }) => ({ place, object: { ...conversationOf(row), ...makerOf(row) } }));
}

/** What reading each place gives, without those where something is that cannot be read. */
async function readableOf<T>(places: readonly Place[], read: (place: Place) => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (const place of places) {
    try {
      all.push(await read(place));
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  return all;
}

/**
 * Reads the responses at some places with their output, as many as fit what may be read at once, but one at least, and without
 * those that are gone by now or cannot be read; `cut` says that there are more. Throws an ApiError where there is no memory for one.
 */
async function readResponses(store: TenantStore, places: readonly Place[]) {
  const objects: Listing<Response>[] = [];
  let room = maxReadable(store);
  for (const batch of batchesOf(places)) {
    const isFirst = objects.length === 0;
    try {
      const { listed, bytes, cut } = await readBatch(store, batch, room, isFirst);
      objects.push(...listed);
      if (cut) return { objects, cut };
      room -= bytes;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      for (const { listed } of await readableOf(batch, (place) => readBatch(store, [place], maxReadable(store), true)))
        objects.push(...listed);
    }
  }
  return { objects, cut: false };
}

async function readBatch(
  store: TenantStore,
  places: readonly Place[],
  room: number,
  isFirst: boolean,
): Promise<{ listed: Listing<Response>[]; bytes: number; cut: boolean }> {
  const { database, lease, memory } = store;
  const output = sql`FROM items i ${ITEM_CHUNKS} WHERE i.tenant = r.tenant AND i.holder = r.id AND i.side = 'output'`;
  const page = sql`WITH page (tenant, id, n) AS (VALUES ${rowsOf(places)}),
    sized (tenant, id, n, size) AS (SELECT r.tenant, r.id, p.n, octet_length(r.body)
        + coalesce((SELECT sum(${ROW_SIZE}) ${output}), 0) + coalesce((SELECT sum(octet_length(k.body)) FROM chunks k
          WHERE r.body = '' AND k.tenant = r.tenant AND k.holder = r.id AND k.side = 'body' AND k.place = 0), 0)
      FROM page p CROSS JOIN responses r WHERE r.tenant = p.tenant AND r.id = p.id AND r.expires_at > ${Date.now()}),
    fitting (tenant, id, n, size, total) AS (SELECT s.*, sum(s.size) OVER (ORDER BY s.n) FROM sized s)`;
  // The first one may take all that there is.
  const fits = sql`(s.total <= ${room} OR (s.total = s.size AND s.size <= ${isFirst ? memory.parsable : 0}))`;
  const { found, items } = await database.batch({
    found:
      read(sql`${page} SELECT s.n, s.size, r.tenant, r.status, ${OWNER_BEAT}, r.made_by, r.request, r.body, k.n AS chunk, k.body AS more
      FROM fitting s LEFT JOIN responses r ON ${fits} AND r.tenant = s.tenant AND r.id = s.id
      LEFT JOIN chunks k ON r.body = '' AND k.tenant = r.tenant AND k.holder = r.id AND k.side = 'body' AND k.place = 0
      ORDER BY s.n, k.n`),
    items:
      read(sql`${page} SELECT s.n AS listed, i.tenant, i.body, k.n, k.body AS more FROM fitting s CROSS JOIN items i ${ITEM_CHUNKS}
      WHERE ${fits} AND i.tenant = s.tenant AND i.holder = s.id AND i.side = 'output' ORDER BY s.n, i.place, k.n`),
  });
  const bodies = found.filter(({ body }) => body !== null); // those that fit
  for (const row of bodies) if (await lease.endIfDead(database, row)) return readBatch(store, places, room, isFirst);
  const first = found[0];
  if (isFirst && first?.body === null) {
    throw neverFits(memory.budget, Number(first.size)) ? tooLargeToHold() : overloaded();
  }
  const bytes = bytesOf(bodies) + bytesOf(items);
  memory.takeParsed(bytes);
  const outputs = Map.groupBy(items, ({ listed }) => listed);
  const listed = joinText(
    bodies.map(({ chunk = null, ...row }) => ({ ...row, place: row.n ?? null, n: chunk })),
  ).flatMap(({ row, text }) => {
    const place = places[Number(row.place)];
    const response = responseOf(text, row.status, itemsOf(outputs.get(row.place) ?? []));
    return place ? [{ place, object: { ...response, ...makerOf(row) } }] : [];
  });
  return { listed, bytes, cut: bodies.length < found.length };
}
