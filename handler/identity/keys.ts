import { type Caller, DEFAULT_TENANT } from '../caller.ts';
import type { KeyEntry } from '../config/auth.ts';
import { badCredential, credentialOf, type Identifier } from './identifier.ts';
import { equal, idOfKey, looksLikeKey, sha256Of } from './key.ts';

/** Identifies callers by the keys of the configuration, in `Authorization: Bearer` or `x-api-key`. */
export function keysIdentifier(entries: readonly KeyEntry[]): Identifier {
  const byId = new Map(entries.map((entry) => [entry.id, entry]));
  return async ({ headers }) => {
    const key = credentialOf(headers, looksLikeKey);
    if (key === undefined) return undefined;
    const id = idOfKey(key);
    if (id === undefined) throw badCredential('The API key is not whole: it was cut, or has a typing error.');
    const entry = byId.get(id);
    if (!entry || !equal(await sha256Of(key), entry.sha256))
      throw badCredential('The API key is not one of this server.');
    if (entry.expires <= Date.now()) throw badCredential('The API key has expired.');
    return callerOf(entry);
  };
}

function callerOf({ id, tenant = DEFAULT_TENANT, user, project, scopes, models }: KeyEntry): Caller {
  return {
    // As JSON, so that no two callers have the same.
    id: JSON.stringify([tenant, user ?? `key ${id}`]),
    tenant,
    key: id,
    ...(user !== undefined && { user }),
    ...(project !== undefined && { project }),
    ...(scopes && { scopes }),
    ...(models && { models }),
  };
}
