import { type Caller, may, partitionOf, type Scope } from '../caller.ts';
import { ApiError, type ErrorStyle, wordOf } from '../errors.ts';
import type { Ingress } from '../ingress.ts';
import type { Reservation } from '../memory-budget.ts';
import { matcher } from '../pattern.ts';
import { databaseOf, type TenantStore } from '../state/tenant-store.ts';
import type { RequestLog } from './request-log.ts';
import type { Services } from './services.ts';

const NO_USER =
  'The credential names no user, and each user has things of his own here (`isolation` in the configuration).';

/** The context of one request, over HTTP or WebSocket. What all requests share is in Services. */
export interface RequestContext {
  /** The caller's store, which takes the request's memory. */
  readonly store: TenantStore;
  readonly log: RequestLog;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
  /** How it came in; whatever there is to upgrade is upgraded by now. */
  readonly ingress: Omit<Ingress, 'upgrade'>;
  /** Who sends it. */
  readonly caller: Caller;
  /** A header of it, or of the request that opened its WebSocket, by its name in lower case; null for none. */
  readonly header: (name: string) => string | null;
  /** The statuses and codes that its errors get. */
  readonly errors: ErrorStyle;
}

/** The most characters of it, as Envoy's files pass on of it. */
const MAX_AFFINITY = 128;

/**
 * The client's session, by which calls prefer the same model server: `x-session-affinity`, else as Claude Code names it, whose first
 * message begins alike in all sessions.
 */
export function affinityIn(header: RequestContext['header']): string | undefined {
  return (header('x-session-affinity') ?? header('x-claude-code-session-id'))?.slice(0, MAX_AFFINITY);
}

/**
 * The store of a caller's request, whose memory is taken from `memory`, and whose slow batches are told with it. Throws a 403 for
 * a caller without a user where users are apart.
 */
export function openStore(
  { storage, isolation }: Pick<Services, 'storage' | 'isolation'>,
  caller: Caller,
  memory: Reservation,
  { activity, requestId }: RequestLog,
): TenantStore {
  const tenant = partitionOf(caller, isolation);
  if (tenant === undefined) throw new ApiError('permissions', NO_USER);
  const { encryption } = storage;
  const database = activity?.database(storage.database) ?? storage.database;
  return {
    ...storage,
    database: databaseOf({ database, encryption }, tenant),
    tenant,
    user: caller.user,
    requestId,
    memory,
  };
}

/** Throws a 403 where the caller may not do that. */
export function requireScope(caller: Caller, scope: Scope): void {
  if (may(caller, scope)) return;
  throw new ApiError('permissions', `The credential lacks the scope \`${scope}\`, which this needs.`);
}

/** Whether the caller may use a model. */
export function mayUse({ models }: Caller, model: string): boolean {
  return !models || models.some((pattern) => matcher(pattern)(model));
}

/** Throws a 403 where the caller may not use a model. */
export function requireModel(caller: Caller, model: string): void {
  if (mayUse(caller, model)) return;
  const name = wordOf(model);
  throw new ApiError('model_access', `The credential does not allow the model${name ? ` ${name}` : ''}.`, {
    param: 'model',
  });
}
