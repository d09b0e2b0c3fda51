import type { AuditAction } from '../audit.ts';
import { type Caller, DEFAULT_TENANT } from '../caller.ts';
import { ApiError, type ErrorKind } from '../errors.ts';
import type { Ingress } from '../ingress.ts';
import { excerpt } from '../log.ts';
import { holdersOf, ownerOf } from '../state/owner.ts';
import { errorCodeOf } from '../turn/turn-summary.ts';
import type { Services } from './services.ts';

/** A request, or a turn of a WebSocket, that has ended. */
export interface EndedRequest {
  requestId: string;
  method: string;
  path: string;
  route: string | undefined;
  caller: Caller | undefined;
  status: number;
  failure: unknown;
  /** The response that it made. */
  response: string | null;
  /** The stored response that it went on from, the conversation that it added to, and the items that it referred to. */
  goesOnFrom: { response: string | undefined; conversation: string | undefined };
  refersTo: readonly string[];
}

/** Errors for what a credential is, or does not allow. */
const REFUSALS: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['credentials', 'permissions', 'model_access']);

const ACTIONS: Readonly<Record<string, AuditAction>> = { GET: 'read', HEAD: 'read', DELETE: 'deleted' };

/**
 * Tells the audit log of a request that has ended: a refused credential, a deletion, a list, and what was done with what another user of
 * the tenant made. Who made it is read from the database, after the reply.
 */
export function auditRequest(services: Services, ingress: Ingress, ended: EndedRequest): void {
  const { audit, basePath } = services;
  const { requestId, method, path, route = '', caller, status, failure, goesOnFrom, refersTo } = ended;
  if (!audit) return;
  const { tenant, user, project, key } = caller ?? {};
  const event = { tenant, user, project, key, door: ingress.name, peer: ingress.peer, request_id: requestId, method };
  if (failure instanceof ApiError && REFUSALS.has(failure.kind)) {
    const { status } = failure.reply('tiers');
    audit({ action: 'refused', status, code: errorCodeOf(failure), ...event, path: excerpt(path, 200) });
    return;
  }
  if (status >= 400 || status === 101 || !caller) return;
  const tell = async (action: AuditAction, id: string, object: string) => {
    const owner = await ownerIn(services, caller, id);
    const isOthers = owner !== undefined && owner !== user;
    if (action === 'deleted' || isOthers) audit({ action, ...event, object, owner });
  };
  const { response, conversation } = goesOnFrom;
  const told: Promise<void>[] = [];
  if (response !== undefined) told.push(tell('read', response, response));
  // To count tokens, or to compact, adds nothing to it.
  const use = route === '/v1/responses' ? 'changed' : 'read';
  if (conversation !== undefined) told.push(tell(use, conversation, conversation));
  if (refersTo.length > 0) {
    // What was made of them holds them too.
    const made = [ended.response, conversation, path.slice(basePath.length).split('/')[3]];
    const others = othersHolders(services, caller, refersTo, made);
    told.push(
      others.then((all) => {
        for (const [object, owner] of all) audit({ action: 'read', ...event, object, owner });
      }),
    );
  }
  if (route.includes('{id}')) {
    const [id = '', , item] = path.slice(basePath.length).split('/').slice(3);
    const object = item === undefined || !route.includes('{item}') ? id : `${id}/items/${item}`;
    told.push(tell(ACTIONS[method] ?? 'changed', id, object));
  } else if (method === 'GET' && /^\/v1\/(responses|conversations)$/.test(route)) {
    audit({ action: 'listed', ...event, object: route.slice('/v1/'.length) });
  }
  if (told.length > 0) ingress.waitUntil?.(Promise.all(told));
}

/** The most things of others that one request is told to have read by references. */
const MAX_HOLDERS = 100;

/** What others made that has items which the caller has not got himself, with its owner. */
async function othersHolders(
  { isolation, storage }: Services,
  { tenant = DEFAULT_TENANT, user, key }: Caller,
  ids: readonly string[],
  except: readonly unknown[],
): Promise<Map<string, string>> {
  const others = new Map<string, string>();
  if (isolation === 'user' || (user === undefined && key === undefined)) return others;
  const all = await holdersOf({ database: storage.database, tenant }, ids).catch(() => []);
  const holders = all.filter(({ holder }) => !except.includes(holder));
  const own = new Set(holders.flatMap(({ item, owner }) => (owner === undefined || owner === user ? [item] : [])));
  for (const { item, holder, owner } of holders)
    if (owner !== undefined && !own.has(item) && others.size < MAX_HOLDERS) others.set(holder, owner);
  return others;
}

/** Who made something in the tenant that all its users share; undefined where there are no users, or where that cannot be read. */
async function ownerIn({ isolation, storage }: Services, { tenant = DEFAULT_TENANT, user, key }: Caller, id: string) {
  if (isolation === 'user' || (user === undefined && key === undefined)) return undefined;
  return ownerOf({ database: storage.database, tenant }, id).catch(() => undefined);
}
