import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import { neverFits, overloaded } from '../memory-budget.ts';
import type { ItemList, ListQuery } from '../protocol/list.ts';
import type { Response } from '../protocol/response.ts';
import { maxReadable, selectBounded } from './bounded.ts';
import type { Value } from './database/database.ts';
import { read, type Sql, sql, write } from './database/sql.ts';
import { itemsOf, type Listing, pageOf, selectCursor, selectPage } from './items.ts';
import { OWNER_BEAT, PROCESS_DIED } from './process-lease.ts';
import { isId, notFound, type TenantStore } from './tenant-store.ts';
import { bytesOf, ITEM_CHUNKS, joinText, ROW_SIZE } from './text.ts';
import { untilKnown } from './until-known.ts';

/** SQL condition: the response `r`, if clients may see it at a time. */
function visible(tenant: string, id: string, now: number): Sql {
  return sql`r.tenant = ${tenant} AND r.id = ${id} AND r.expires_at > ${now}`;
}

/** Reads a response in its current state; throws 404, and `overloaded` where there is no memory for it. */
export async function getResponse(store: TenantStore, id: string): Promise<Response> {
  if (!isId(id)) throw notFound('response');
  return readResponse(store, id, Date.now());
}

/** Reads a response even after it was deleted or has expired: readers of its events still get its end. */
export async function getStoredResponse(store: TenantStore, id: string): Promise<Response> {
  return readResponse(store, id, 0);
}

async function readResponse(store: TenantStore, id: string, now: number): Promise<Response> {
  const { database, tenant, lease, memory } = store;
  const maxBytes = memory.parsable;
  const output = sql`FROM items i ${ITEM_CHUNKS} WHERE i.tenant = ${tenant} AND i.holder = ${id} AND i.side = 'output'`;
  const { found, items } = await database.batch({
    found: read(sql`WITH whole (bytes) AS (SELECT coalesce((SELECT sum(${ROW_SIZE}) ${output}), 0) + coalesce((
        SELECT sum(octet_length(k.body)) FROM chunks k
        WHERE k.tenant = ${tenant} AND k.holder = ${id} AND k.side = 'body' AND k.place = 0), 0))
      SELECT r.status, ${OWNER_BEAT}, w.bytes, r.body, k.n, k.body AS more
      FROM whole w CROSS JOIN responses r LEFT JOIN chunks k
        ON r.body = '' AND w.bytes <= ${maxBytes} AND k.tenant = r.tenant AND k.holder = r.id AND k.side = 'body' AND k.place = 0
      WHERE ${visible(tenant, id, now)} ORDER BY k.n`),
    items: selectBounded({ from: output, order: sql`i.place, k.n` }, maxBytes),
  });
  const [stored] = joinText(found);
  if (!stored) throw notFound('response');
  if (await lease.endIfDead(database, stored.row)) return readResponse(store, id, now);
  const size = Number(stored.row.bytes);
  if (size > maxBytes) throw neverFits(memory.budget, size) ? tooLargeToHold() : overloaded();
  memory.takeParsed(bytesOf(found) + bytesOf(items));
  return responseOf(stored.text, stored.row.status, itemsOf(items));
}

/** A response of its stored body, the status of its row, and its output. */
export function responseOf(body: string, status: Value | undefined, output: readonly Item[]): Response {
  // As StoredRecord wrote it: a Response without its output, which is in items of its own.
  const response = { ...JSON.parse(body), output } as Response;
  if (response.status === status) return response;
  if (status === 'in_progress') return { ...response, status };
  return { ...response, status: 'failed', error: { code: 'server_error', message: PROCESS_DIED } };
}

/** 500: too large for this process. Whoever wrote it had the memory, perhaps because it was a copy. */
export function tooLargeToHold(): ApiError {
  const message = 'The response takes more memory than this server may use at a time (limits.inFlight).';
  return new ApiError('server', message, { retry: false });
}

/** Reads the status of a response as last written, also of an expired one; throws 404. */
export async function getStatus({ database, tenant }: TenantStore, id: string): Promise<string> {
  const { found } = await database.batch({
    found: read(sql`SELECT r.status FROM responses r WHERE r.tenant = ${tenant} AND r.id = ${id}`),
  });
  if (!found[0]) throw notFound('response');
  return String(found[0].status);
}

/** Deletes a response for clients; its row stays while others build on it. Throws 404. */
export async function deleteResponse({ database, tenant, histories }: TenantStore, id: string): Promise<void> {
  if (!isId(id)) throw notFound('response');
  histories.delete(tenant, id);
  const now = Date.now();
  const { deleted } = await untilKnown((again) => {
    const seen = again ? now - 1 : now; // it may have this mark already
    return database.batch({
      deleted: write(
        sql`UPDATE responses AS r SET expires_at = ${now} WHERE ${visible(tenant, id, seen)} RETURNING id`,
      ),
    });
  });
  if (deleted.length === 0) throw notFound('response');
}

/** Reads a page of the response's own input; throws 404. */
export async function listInputItems(store: TenantStore, id: string, query: ListQuery): Promise<ItemList> {
  const { database, tenant, memory } = store;
  if (!isId(id)) throw notFound('response');
  const listing: Listing = {
    where: sql`i.tenant = ${tenant} AND i.holder = ${id} AND i.side = 'input'`,
    by: 'place',
  };
  const { found, rows, cursor } = await database.batch({
    found: read(sql`SELECT r.id FROM responses r WHERE ${visible(tenant, id, Date.now())}`),
    rows: selectPage(listing, query, maxReadable(store)),
    cursor: selectCursor(listing, query),
  });
  if (found.length === 0) throw notFound('response');
  memory.takeParsed(bytesOf(rows));
  return pageOf(rows, cursor, query);
}
