import type { ItemList, ListQuery } from '../protocol/list.ts';
import type { Response } from '../protocol/response.ts';
import { itemsOf, pageOf, selectCursor, selectPage, selectSide } from './items.ts';
import { OWNER_BEAT, STOPPED } from './owner.ts';
import { isId, notFound, type Scope } from './scope.ts';
import { joinText } from './text.ts';

/** A response's row, if clients may see it; takes tenant, id and the present time. */
const VISIBLE = 'r.tenant = ? AND r.id = ? AND r.expires_at > ?';

/** The response of this id as it is by now; throws 404. */
export async function getResponse(scope: Scope, id: string): Promise<Response> {
  if (!isId(id)) throw notFound('response');
  return readResponse(scope, id, Date.now());
}

/** The same, of one that clients see no more as well: whoever reads its events still hears how they end. */
export async function getHidden(scope: Scope, id: string): Promise<Response> {
  return readResponse(scope, id, 0);
}

async function readResponse(scope: Scope, id: string, visible: number): Promise<Response> {
  const { database, tenant, owner } = scope;
  const [found = [], output = []] = await database.batch([
    {
      sql: `SELECT r.status, ${OWNER_BEAT}, r.body, k.n, k.body AS more
        FROM responses r LEFT JOIN chunks k
          ON r.body = '' AND k.tenant = r.tenant AND k.holder = r.id AND k.side = 'body' AND k.place = 0
        WHERE ${VISIBLE} ORDER BY k.n`,
      values: [tenant, id, visible],
    },
    selectSide(tenant, id, 'output'),
  ]);
  const [read] = joinText(found);
  if (!read) throw notFound('response');
  if (await owner.foundDead(database, read.row)) return readResponse(scope, id, visible);
  // What a record wrote: a Response, and output items on their side.
  const response = { ...JSON.parse(read.text), output: itemsOf(output) } as Response;
  const { status } = read.row;
  if (response.status === status) return response;
  if (status === 'in_progress') return { ...response, status };
  return { ...response, status: 'failed', error: { code: 'server_error', message: STOPPED } };
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
  const { database, tenant, history } = scope;
  if (!isId(id)) throw notFound('response');
  const listing = {
    where: "i.tenant = ? AND i.holder = ? AND i.side = 'input'",
    values: [tenant, id],
    by: 'place',
  } as const;
  const [found = [], rows = [], cursor = []] = await database.batch([
    { sql: `SELECT r.id FROM responses r WHERE ${VISIBLE}`, values: [tenant, id, Date.now()] },
    selectPage(listing, query, history),
    selectCursor(listing, query),
  ]);
  if (found.length === 0) throw notFound('response');
  return pageOf(rows, cursor, query);
}
