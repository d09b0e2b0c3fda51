import { type Caller, DEFAULT_TENANT } from '../caller.ts';
import type { KeyEntry } from '../config/auth.ts';
import type { KeyDigest, KeyRights, StoredKey } from '../state/keys.ts';
import { badCredential, credentialOf, type Identifier } from './identifier.ts';
import { equal, idOfKey, looksLikeKey, sha256Of } from './key.ts';
import type { StoredKeys } from './stored-keys.ts';

/** Identifies callers by the keys of the configuration and of the database, in `Authorization: Bearer` or `x-api-key`. */
export function keysIdentifier(entries: readonly KeyEntry[], stored: Pick<StoredKeys, 'find'>): Identifier {
  const byId = new Map<string, KeyEntry | StoredKey>(entries.map((entry) => [entry.id, entry]));
  return async ({ headers }, sender) => {
    const key = credentialOf(headers, looksLikeKey);
    if (key === undefined) return undefined;
    const id = idOfKey(key);
    if (id === undefined) throw badCredential('The API key is not whole: it was cut, or has a typing error.');
    const found = byId.get(id) ?? stored.find(id, sender);
    const entry = found instanceof Promise ? await found : found;
    // What else is wrong with a key is told only to who has all of it.
    if (!entry || !equal(await sha256Of(key), entry.sha256))
      throw badCredential('The API key is not one of this server.');
    if ('revoked' in entry && entry.revoked !== undefined) throw badCredential('The API key was revoked.');
    if (entry.expires <= Date.now()) throw badCredential('The API key has expired.');
    return callerOf(entry);
  };
}

type Owner = Pick<KeyDigest, 'id'> & { [Name in keyof KeyRights]?: KeyRights[Name] | undefined };

function callerOf({ id, tenant = DEFAULT_TENANT, user, project, scopes, models, limits, budgets }: Owner): Caller {
  return {
    // As JSON, so that no two callers have the same.
    id: JSON.stringify(user === undefined ? [tenant, null, id] : [tenant, user]), // no user has the name of a key
    tenant,
    key: id,
    ...(user !== undefined && { user }),
    ...(project !== undefined && { project }),
    ...(scopes && { scopes }),
    ...(models && { models }),
    ...(limits && { limits }),
    ...(budgets && { budgets }),
  };
}
