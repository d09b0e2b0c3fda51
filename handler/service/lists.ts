import { DEFAULT_TENANT, partitionOf } from '../caller.ts';
import type { ConversationList, ConversationListQuery, ResponseList, ResponseListQuery } from '../protocol/list.ts';
import { listConversations, listResponses } from '../state/lists.ts';
import { ofWholeTenant, type TenantStore } from '../state/tenant-store.ts';
import type { RequestContext } from './context.ts';
import type { Services } from './services.ts';

/** Lists responses of the caller's own or, for an administrator where users are apart, of its tenant. Throws an ApiError. */
export function findResponses(
  services: Services,
  ctx: RequestContext,
  query: ResponseListQuery,
): Promise<ResponseList> {
  const { store, user, whole } = rangeOf(services, ctx, query.user);
  return listResponses(store, { ...query, user }, whole);
}

/** The same of conversations. */
export function findConversations(
  services: Services,
  ctx: RequestContext,
  query: ConversationListQuery,
): Promise<ConversationList> {
  const { store, user, whole } = rangeOf(services, ctx, query.user);
  return listConversations(store, { ...query, user }, whole);
}

/** What a list covers: a partition, with the user to look for in it, or a whole tenant. */
interface ListRange {
  store: TenantStore;
  user: string | undefined;
  whole: string | undefined;
}

/**
 * Where users are apart, only a credential that names the scope `admin` sees what others have: one without scopes, which may do
 * all else, is any user's.
 */
function rangeOf({ isolation }: Services, { store, caller }: RequestContext, user: string | undefined): ListRange {
  if (isolation === 'tenant' || !caller.scopes?.includes('admin')) return { store, user, whole: undefined };
  const { tenant = DEFAULT_TENANT } = caller;
  const partition = user === undefined ? undefined : partitionOf({ tenant, user }, isolation);
  const { database } = store;
  if (partition === undefined)
    return { store: { ...store, database: ofWholeTenant(database, tenant) }, user, whole: tenant };
  const own = { ...store, database: database.of?.(partition) ?? database, tenant: partition };
  return { store: own, user: undefined, whole: undefined };
}
