import { ApiError } from '../errors.ts';
import type { Statement } from './database/database.ts';
import { read, sql, write } from './database/sql.ts';
import { isOpen, OWNER_BEAT } from './process-lease.ts';
import type { TenantStore } from './tenant-store.ts';

/** A client's key for a request that it may repeat, and a hash that tells the request from others. */
export interface IdempotencyKey {
  key: string;
  hash: string;
}

/** The `param` of errors about a key: no member of the body, but what the client has to change. */
export const PARAM = 'Idempotency-Key';

/**
 * Finds the response of a key; undefined when the key is free: unused, or its response failed, was cancelled, or is gone.
 * Throws an ApiError when the response is still running in the foreground, or the key was used for another request.
 */
export async function findResponse(store: TenantStore, key: IdempotencyKey): Promise<string | undefined> {
  const { database, tenant, lease } = store;
  const {
    found: [found],
  } = await database.batch({
    found: read(sql`SELECT k.hash, k.response, r.status, r.background, ${OWNER_BEAT}
      FROM idempotency k JOIN responses r ON r.tenant = k.tenant AND r.id = k.response
      WHERE k.tenant = ${tenant} AND k.key = ${key.key} AND r.expires_at > ${Date.now()}`),
  });
  if (await lease.endIfDead(database, found)) return findResponse(store, key);
  const status = found?.status;
  if (!found || status === 'failed' || status === 'cancelled') return undefined;
  if (found.hash !== key.hash) {
    const message = `${PARAM} was used for another request; a new request needs a key of its own.`;
    throw new ApiError('invalid_value', message, { param: PARAM });
  }
  if (isOpen(status) && found.background === 0) throw idempotencyInProgress();
  return String(found.response);
}

/** Throws an ApiError when another request has just taken the key. */
export async function refuseUsedKey(store: TenantStore, key: IdempotencyKey): Promise<void> {
  if ((await findResponse(store, key)) !== undefined) throw idempotencyInProgress();
}

/** Takes a free key for a response. A used key undoes the batch: NULL violates the NOT NULL of the column. */
export function takeKey(tenant: string, { key, hash }: IdempotencyKey, response: string): Statement {
  return write(sql`INSERT INTO idempotency (tenant, key, hash, response) VALUES (${tenant}, ${key}, ${hash}, ${response})
    ON CONFLICT (tenant, key) DO UPDATE SET hash = excluded.hash, response = CASE WHEN NOT EXISTS (
      SELECT 1 FROM responses r WHERE r.tenant = idempotency.tenant AND r.id = idempotency.response
      AND r.expires_at > ${Date.now()} AND r.status NOT IN ('failed', 'cancelled')
    ) THEN excluded.response END`);
}

/**
 * 409 with retry-after: the first request is still running. A client that repeats it this early has most often lost its
 * connection, so the key is free, or the response there, a moment later.
 */
export function idempotencyInProgress(): ApiError {
  const message = `The request with this ${PARAM} is still being answered; try again when it has ended.`;
  return new ApiError('idempotency_in_progress', message, { param: PARAM, headers: { 'retry-after': '1' } });
}
