import { misconfigured } from '../config/problems.ts';
import type { Secret } from '../seal.ts';
import type { TenantKey } from '../state/tenant-keys.ts';
import { Keyring } from './keyring.ts';
import { unwrap } from './tenant-keys.ts';

/** Rejects with a ConfigError if a key, one of each secret that wraps some, does not open with these secrets. */
export async function checkSecrets(keys: readonly TenantKey[], secrets: readonly Secret[]): Promise<void> {
  const keyring = new Keyring(secrets);
  for (const key of keys) {
    const { secret } = key;
    if (!keyring.find(secret))
      throw misconfigured('secrets', `lacks ${secret}, which what is encrypted in the database needs`);
    await unwrap(keyring, key).catch(() => {
      throw misconfigured(
        'secrets',
        `has another key for ${secret} than the one that what is encrypted in the database needs`,
      );
    });
  }
}
