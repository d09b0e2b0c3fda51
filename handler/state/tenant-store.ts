import { ApiError } from '../errors.ts';
import type { Reservation } from '../memory-budget.ts';
import type { Database } from './database/database.ts';
import type { WebhookTarget } from './deliveries.ts';
import type { Encryption } from './encryption.ts';
import type { HistoryCache } from './history-cache.ts';
import type { ProcessLease } from './process-lease.ts';
import type { StoredBytes } from './stored-bytes.ts';

/** The part of the store that all tenants share: a database, and this process with its lease. */
export interface SharedStore {
  readonly database: Database;
  /** Gives the texts that are encrypted there; absent where the configuration has no secrets. */
  readonly encryption?: Encryption | undefined;
  readonly lease: ProcessLease;
  /** Whether the last write of a turn failed: then a turn is begun only once that could be written. */
  readonly lastWrite: { failed: boolean };
  readonly histories: HistoryCache;
  /** Webhooks for the ends of background responses. */
  readonly webhooks: readonly WebhookTarget[];
  /** Retention of responses, in milliseconds. */
  readonly retention: number;
  /** Retention of the events of a background response after its end, in milliseconds. */
  readonly logRetention: number;
  /** Whether a charge is kept of each turn that ends. Default: no. */
  readonly charges?: boolean;
  /** What tenants with a limit have stored. Default: none has a limit. */
  readonly storedBytes?: StoredBytes | undefined;
  /** Limit of the database, in bytes. */
  readonly stored: number;
  /** Limit of a history, and of a page of a list, in bytes. */
  readonly history: number;
}

/** The store of one tenant, for one request or one background turn. */
export interface TenantStore extends SharedStore {
  readonly tenant: string;
  /** The request that it is opened for, and the user who sends it: what is stored says so, to be found by. */
  readonly requestId?: string | undefined;
  readonly user?: string | undefined;
  /** Memory for what is read. */
  readonly memory: Reservation;
}

/** The database of a store for what is in one partition: its batches give all texts as they were written. */
export function databaseOf(
  { database, encryption }: Pick<SharedStore, 'database' | 'encryption'>,
  partition: string,
): Database {
  const own = database.of?.(partition) ?? database;
  return encryption?.of(own, partition) ?? own;
}

/** The database of a store for all of a tenant, the partitions of its users included. */
export function ofWholeTenant(database: Database, tenant: string): Database {
  return database.of?.(tenant, true) ?? database;
}

/** Whether a text can be an id at all; the database is not asked for others. */
export function isId(text: string): boolean {
  return /^[^\p{Cc}\p{Cs}]{1,256}$/u.test(text);
}

/** 404 for an unknown id, and for the id of another tenant. */
export function notFound(what: string, param: string | null = null): ApiError {
  return new ApiError('not_found', `The ${what} was not found.`, { param });
}
