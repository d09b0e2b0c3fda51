import type { Identify } from '../caller.ts';
import type { AuthEntry } from '../config/auth.ts';
import { misconfigured } from '../config/problems.ts';
import { envoyIdentifier } from './envoy.ts';
import { badCredential, type Identifier } from './identifier.ts';
import { jwtIdentifier, type VerifyJwt } from './jwt.ts';
import type { KeySource } from './key-source.ts';
import { keysIdentifier } from './keys.ts';
import type { StoredKeys } from './stored-keys.ts';

/** What identifiers need of the process. */
export interface IdentityServices {
  /** The keys of the database. */
  storedKeys: StoredKeys;
  /** What checks tokens, and the keys of the issuer that has them at a URL. Absent where the root has no library for it. */
  jwt?: { verify: VerifyJwt; keySource(url: string): KeySource } | undefined;
}

/** Identifies callers by the entries of `auth`, in their order: the first that finds a credential decides. */
export function openIdentify(entries: readonly AuthEntry[], services: IdentityServices): Identify {
  const identifiers = entries.map((entry) => identifierOf(entry, services));
  return async (request, sender) => {
    for (const identifier of identifiers) {
      const caller = await identifier(request, sender);
      if (caller) return caller;
    }
    throw badCredential(
      'There is no credential in the request that counts here: send it as `Authorization: Bearer ...`.',
    );
  };
}

/** What an entry has: one of them. */
function identifierOf({ keys = [], envoy, jwt }: AuthEntry, services: IdentityServices): Identifier {
  if (envoy) return envoyIdentifier(envoy);
  if (!jwt) return keysIdentifier(keys, services.storedKeys);
  if (!services.jwt)
    throw misconfigured('auth', 'has jwt, which needs the option verifyJwt of the root, from antiphon/jwt');
  return jwtIdentifier(jwt, services.jwt.keySource(jwt.jwks), services.jwt.verify);
}
