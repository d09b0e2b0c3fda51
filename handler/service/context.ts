import type { Caller } from '../caller.ts';
import type { ErrorStyle } from '../errors.ts';
import type { Ingress } from '../ingress.ts';
import type { Reservation } from '../memory-budget.ts';
import type { SharedStore, TenantStore } from '../state/tenant-store.ts';
import type { RequestLog } from './request-log.ts';

/** The context of one request, over HTTP or WebSocket. What all requests share is in Services. */
export interface RequestContext {
  /** The tenant's store, which takes the request's memory. */
  readonly store: TenantStore;
  readonly log: RequestLog;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
  /** How it came in; whatever there is to upgrade is upgraded by now. */
  readonly ingress: Omit<Ingress, 'upgrade'>;
  /** Who sends it. */
  readonly caller: Caller;
  /** The statuses and codes that its errors get. */
  readonly errors: ErrorStyle;
}

/** The only tenant, until there is a way to tell clients apart. */
const TENANT = 'default';

/** The store of a request, whose memory is taken from `memory`, and whose slow batches are told with it. */
export function openStore(storage: SharedStore, memory: Reservation, { activity }: RequestLog): TenantStore {
  const store = { ...storage, tenant: TENANT, memory };
  return activity ? { ...store, database: activity.database(storage.database) } : store;
}
