import { encrypt, type Secret } from '../seal.ts';
import type { Database } from '../state/database/database.ts';
import {
  findTenantKeys,
  insertTenantKey,
  keyOfEachSecret,
  keysOfSecret,
  rewrapTenantKey,
} from '../state/tenant-keys.ts';
import { Keyring } from './keyring.ts';
import { boundOf, newTenantKey, unwrap } from './tenant-keys.ts';

/** Keys that are wrapped anew in one batch. */
const BATCH_SIZE = 100;

/**
 * Wraps each key of a tenant anew by the first secret that is long enough, beside servers that run. Returns how many each other secret
 * had wrapped, by its id; it wraps none then, unless a server that puts it first has made one meanwhile. Rejects where a secret does not
 * open what it should have wrapped.
 */
export async function rewrapTenantKeys(database: Database, secrets: readonly Secret[]): Promise<Map<string, number>> {
  const keyring = new Keyring(secrets);
  const newest = await keyring.newest();
  const counts = new Map<string, number>();
  for (const { secret } of await keyOfEachSecret(database)) {
    if (secret === newest.id) continue;
    for (;;) {
      const keys = await keysOfSecret(database, secret, BATCH_SIZE);
      if (keys.length === 0) break;
      const rewrapped = keys.map(async (key) => {
        const wrapped = await encrypt(newest.key, boundOf(key), await unwrap(keyring, key));
        return rewrapTenantKey(key, { secret: newest.id, wrapped });
      });
      await database.batch({ rewrapped: await Promise.all(rewrapped) });
      counts.set(secret, (counts.get(secret) ?? 0) + keys.length);
    }
  }
  return counts;
}

/**
 * Makes another key of a tenant, by which servers encrypt what it stores from `keyAge` on; what it has stored stays under the keys before.
 * Returns whether it has any: else it gets one at its first write.
 */
export async function rotateTenantKey(
  database: Database,
  secrets: readonly Secret[],
  tenant: string,
): Promise<boolean> {
  const keys = (await findTenantKeys(database, tenant)).filter(({ dropped }) => dropped === undefined);
  const last = keys.at(-1);
  if (!last) return false;
  const created = Math.max(Date.now(), last.created + 1); // the newest encrypts, whatever clocks say
  await database.batch({ made: insertTenantKey(await newTenantKey(new Keyring(secrets), tenant, created)) });
  return true;
}
