import { ApiError } from '../errors.ts';
import { neverFits, overloaded } from '../memory-budget.ts';
import type { ItemList, ListQuery } from '../protocol/list.ts';
import type { Response } from '../protocol/response.ts';
import { readable, selectBounded } from './bounded.ts';
import { itemsOf, pageOf, selectCursor, selectPage } from './items.ts';
import { OWNER_BEAT, STOPPED } from './owner.ts';
import { isId, notFound, type Scope } from './scope.ts';
import { bytesOf, ITEM_CHUNKS, joinText, SIZE } from './text.ts';

/** A response's row, if clients may see it; takes tenant, id and the present time. */
const VISIBLE = 'r.tenant = ? AND r.id = ? AND r.expires_at > ?';

/** The response of this id as it is by now; throws 404, and `overloaded` where there is no room for it. */
export async function getResponse(scope: Scope, id: string): Promise<Response> {
  if (!isId(id)) throw notFound('response');
  return readResponse(scope, id, Date.now());
}

/** The same, of one that clients see no more as well: whoever reads its events still hears how they end. */
export async function getHidden(scope: Scope, id: string): Promise<Response> {
  return readResponse(scope, id, 0);
}

async function readResponse(scope: Scope, id: string, visible: number): Promise<Response> {
  const { database, tenant, owner, memory } = scope;
  const room = memory.parsable;
  const output = {
    sql: `FROM items i ${ITEM_CHUNKS} WHERE i.tenant = ? AND i.holder = ? AND i.side = 'output'`,
    values: [tenant, id],
  };
  const [found = [], items = []] = await database.batch([
    {
      sql: `WITH whole (bytes) AS (SELECT coalesce((SELECT sum(${SIZE}) ${output.sql}), 0) + coalesce((
          SELECT sum(octet_length(k.body)) FROM chunks k
          WHERE k.tenant = ? AND k.holder = ? AND k.side = 'body' AND k.place = 0), 0))
        SELECT r.status, ${OWNER_BEAT}, w.bytes, r.body, k.n, k.body AS more
        FROM whole w CROSS JOIN responses r LEFT JOIN chunks k
          ON r.body = '' AND w.bytes <= ? AND k.tenant = r.tenant AND k.holder = r.id AND k.side = 'body' AND k.place = 0
        WHERE ${VISIBLE} ORDER BY k.n`,
      values: [...output.values, tenant, id, room, tenant, id, visible],
    },
    selectBounded({ from: output, order: 'i.place, k.n' }, room),
  ]);
  const [read] = joinText(found);
  if (!read) throw notFound('response');
  if (await owner.foundDead(database, read.row)) return readResponse(scope, id, visible);
  const size = Number(read.row.bytes);
  if (size > room) throw neverFits(memory.budget, size) ? tooLargeToHold() : overloaded();
  memory.takeParsed(bytesOf(found) + bytesOf(items));
  // What a record wrote: a Response, and output items on their side.
  const response = { ...JSON.parse(read.text), output: itemsOf(items) } as Response;
  const { status } = read.row;
  if (response.status === status) return response;
  if (status === 'in_progress') return { ...response, status };
  return { ...response, status: 'failed', error: { code: 'server_error', message: STOPPED } };
}

/** Made where there was room for it, as it may be when it is a copy of what was in memory already. */
function tooLargeToHold(): ApiError {
  const message = 'The response takes more memory than this server may use at a time (limits.inFlight).';
  return new ApiError('server', message, { retry: false });
}

/** The status of a response as it was last written, also of one that clients see no more; throws 404. */
export async function getStatus({ database, tenant }: Scope, id: string): Promise<string> {
  const sql = 'SELECT r.status FROM responses r WHERE r.tenant = ? AND r.id = ?';
  const [[row] = []] = await database.batch([{ sql, values: [tenant, id] }]);
  if (!row) throw notFound('response');
  return String(row.status);
}

/** Hides the response from now on; what others build on stays until they are gone as well. Throws 404. */
export async function deleteResponse({ database, tenant }: Scope, id: string): Promise<void> {
  if (!isId(id)) throw notFound('response');
  const now = Date.now();
  const sql = `UPDATE responses AS r SET expires_at = ? WHERE ${VISIBLE} RETURNING id`;
  const [gone = []] = await database.batch([{ sql, values: [now, tenant, id, now] }]);
  if (gone.length === 0) throw notFound('response');
}

/** A page of the response's own input; throws 404. */
export async function listInputItems(scope: Scope, id: string, query: ListQuery): Promise<ItemList> {
  const { database, tenant, memory } = scope;
  if (!isId(id)) throw notFound('response');
  const listing = {
    where: "i.tenant = ? AND i.holder = ? AND i.side = 'input'",
    values: [tenant, id],
    by: 'place',
  } as const;
  const [found = [], rows = [], cursor = []] = await database.batch([
    { sql: `SELECT r.id FROM responses r WHERE ${VISIBLE}`, values: [tenant, id, Date.now()] },
    selectPage(listing, query, readable(scope)),
    selectCursor(listing, query),
  ]);
  if (found.length === 0) throw notFound('response');
  memory.takeParsed(bytesOf(rows));
  return pageOf(rows, cursor, query);
}
