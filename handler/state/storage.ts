import { ApiError } from '../errors.ts';
import { type Database, StorageFull, Unavailable, UnknownOutcome } from './database/database.ts';
import type { TenantStore } from './tenant-store.ts';

/**
 * Throws `storage_full` when the database is at its limit, its disk is full, or the tenant is at its limit; a promise where that has
 * to be looked up.
 */
export function refuseFull({ database, stored, storedBytes, tenant }: TenantStore): Promise<void> | undefined {
  if (database.isFull?.()) throw storageFull();
  // Ask for the size only where it matters: it costs SQLite some microseconds.
  if (stored < Number.POSITIVE_INFINITY && (database.storage?.()?.bytes ?? 0) >= stored) throw storageFull();
  return storedBytes?.refuseFull(tenant);
}

/** Wraps a database so that a full disk is the ApiError `storage_full`, and one that is away `overloaded`. */
export function withStorageErrors(database: Database): Database {
  return {
    ...(database.system !== undefined && { system: database.system }),
    batch: (statements) =>
      database.batch(statements).catch((error) => {
        if (error instanceof StorageFull) throw storageFull(error);
        if (error instanceof Unavailable) throw away('cannot be reached at the moment', error);
        if (error instanceof UnknownOutcome) throw away('did not answer, so this may have been done or not', error);
        throw error;
      }),
    ...(database.of && { of: (...which) => withStorageErrors(database.of?.(...which) ?? database) }),
    storage: () => database.storage?.(),
    isFull: () => database.isFull?.() ?? false,
    giveBack: async () => (await database.giveBack?.()) ?? false,
    close: () => database.close(),
  };
}

/** Seconds until a refused caller is to try again: a restart takes about as long. */
const RETRY_AFTER_SECONDS = '1';

function away(how: string, cause: Error): ApiError {
  const message = `The database of this server ${how}; try again in a moment.`;
  return new ApiError('overloaded', message, { headers: { 'retry-after': RETRY_AFTER_SECONDS }, cause });
}

function storageFull(cause?: unknown): ApiError {
  const message =
    'This server has no room to store anything more (`limits.stored` in its configuration, or its disk). A response with store: false needs none.';
  return new ApiError('storage_full', message, { cause });
}
