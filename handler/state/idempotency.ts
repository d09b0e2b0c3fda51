import { ApiError } from '../errors.ts';
import type { Statement } from './database/database.ts';
import { read, sql, write } from './database/sql.ts';
import { isOpen, OWNER_BEAT } from './process-lease.ts';
import type { TenantStore } from './tenant-store.ts';

/** A client's name for a request that it may send again, and what tells that request from others. */
export interface IdempotencyKey {
  key: string;
  hash: string;
}

/** What errors about a key name: it is no member of the body, but it is what the client has to change. */
export const PARAM = 'Idempotency-Key';

/**
 * The id of the response that was made under this key; undefined when the key is free: not used, or for a response that
 * came to nothing, or is gone. Throws an ApiError when the response is still being made, unless that is in the background,
 * or was asked for otherwise.
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

/** Throws an ApiError when the key is not free: somebody else has just taken it. */
export async function refuseUsedKey(store: TenantStore, key: IdempotencyKey): Promise<void> {
  if ((await findResponse(store, key)) !== undefined) throw idempotencyInProgress();
}

/** Takes a free key for a response; a key that is not free undoes the batch: NULL violates the column's NOT NULL. */
export function takeKey(tenant: string, { key, hash }: IdempotencyKey, response: string): Statement {
  return write(sql`INSERT INTO idempotency (tenant, key, hash, response) VALUES (${tenant}, ${key}, ${hash}, ${response})
    ON CONFLICT (tenant, key) DO UPDATE SET hash = excluded.hash, response = CASE WHEN NOT EXISTS (
      SELECT 1 FROM responses r WHERE r.tenant = idempotency.tenant AND r.id = idempotency.response
      AND r.expires_at > ${Date.now()} AND r.status NOT IN ('failed', 'cancelled')
    ) THEN excluded.response END`);
}

/**
 * The response is still being made. A client that asks again that early has most often lost its connection, and we are
 * about to notice: a moment later the key is free, or the response is there. So trying again does help, and soon.
 */
export function idempotencyInProgress(): ApiError {
  const message = `The request with this ${PARAM} is still being answered; try again when it has ended.`;
  return new ApiError('idempotency_in_progress', message, { param: PARAM, headers: { 'retry-after': '1' } });
}
