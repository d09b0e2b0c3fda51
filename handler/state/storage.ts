import { ApiError } from '../errors.ts';
import { type Database, StorageFull } from './database/database.ts';
import type { TenantStore } from './tenant-store.ts';

/** Throws `storage_full` when the database is at its limit, or its disk is full. */
export function refuseFull({ database, stored }: TenantStore): void {
  if (database.isFull?.()) throw storageFull();
  // Ask for the size only where it matters: it costs SQLite some microseconds.
  if (stored < Number.POSITIVE_INFINITY && (database.storage?.()?.bytes ?? 0) >= stored) throw storageFull();
}

/** Wraps a database so that a full disk is the ApiError `storage_full`. */
export function withStorageErrors(database: Database): Database {
  return {
    ...(database.system !== undefined && { system: database.system }),
    batch: (statements) =>
      database.batch(statements).catch((error) => {
        throw error instanceof StorageFull ? storageFull(error) : error;
      }),
    ...(database.of && { of: (...which) => withStorageErrors(database.of?.(...which) ?? database) }),
    storage: () => database.storage?.(),
    isFull: () => database.isFull?.() ?? false,
    giveBack: async () => (await database.giveBack?.()) ?? false,
    close: () => database.close(),
  };
}

function storageFull(cause?: unknown): ApiError {
  const message =
    'This server has no room to store anything more (`limits.stored` in its configuration, or its disk). A response with store: false needs none.';
  return new ApiError('storage_full', message, { cause });
}
