import type { Identify } from '../caller.ts';
import type { AuthEntry } from '../config/auth.ts';
import { envoyIdentifier } from './envoy.ts';
import { badCredential, type Identifier } from './identifier.ts';
import { keysIdentifier } from './keys.ts';
import type { StoredKeys } from './stored-keys.ts';

/** What identifiers need of the process. */
export interface IdentityServices {
  /** The keys of the database. */
  storedKeys: StoredKeys;
}

/** Identifies callers by the entries of `auth`, in their order: the first that finds a credential decides. */
export function openIdentify(entries: readonly AuthEntry[], { storedKeys }: IdentityServices): Identify {
  const identifiers = entries.flatMap((entry) => identifiersOf(entry, storedKeys));
  return async (request, sender) => {
    for (const identifier of identifiers) {
      const caller = await identifier(request, sender);
      if (caller) return caller;
    }
    throw badCredential('There is no credential in the request: send it as `Authorization: Bearer ...`.');
  };
}

/** What an entry has: one of them. */
function identifiersOf({ keys, envoy }: AuthEntry, storedKeys: StoredKeys): Identifier[] {
  return [...(keys ? [keysIdentifier(keys, storedKeys)] : []), ...(envoy ? [envoyIdentifier(envoy)] : [])];
}
