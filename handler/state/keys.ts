import type { Budget, CallerLimits, Scope } from '../caller.ts';
import type { Database, Row, Statement } from './database/database.ts';
import { raw, read, type Sql, sql, write } from './database/sql.ts';
import { untilKnown } from './until-known.ts';

/** What a key's owner is and may do; what is absent is the default, or not limited. */
export interface KeyRights {
  tenant: string;
  user?: string | undefined;
  project?: string | undefined;
  models?: readonly string[] | undefined;
  scopes?: readonly Scope[] | undefined;
  limits?: CallerLimits | undefined;
  budgets?: readonly Budget[] | undefined;
  /** When it expires, in milliseconds since 1970. */
  expires: number;
}

/** A key without its secret: what a database holds of it. Times are milliseconds since 1970. */
export interface StoredKey extends KeyRights {
  id: string;
  /** SHA-256 of the whole key, as 64 hexadecimal digits in lower case. */
  sha256: string;
  created: number;
  revoked?: number | undefined;
  /** The id of the key that was made in its place. */
  replacedBy?: string | undefined;
}

/** A key's id, and the digest by which it is known. */
export type KeyDigest = Pick<StoredKey, 'id' | 'sha256'>;

/** What a key has from the one that it replaces. */
const RIGHTS = raw('tenant, user_name, project, models, scopes, limits, budgets');
const COLUMNS = sql`id, sha256, ${RIGHTS}, expires_at, created_at, revoked_at, replaced_by`;

/** The key of that id, revoked and expired ones included; undefined if there is none. */
export async function findKey(database: Database, id: string): Promise<StoredKey | undefined> {
  const { found } = await database.batch({ found: selectKey(id) });
  return found[0] && toKey(found[0]);
}

/** At most `limit` keys of a tenant, or of all, by their ids from the one after `after` on. */
export async function listKeys(
  database: Database,
  { tenant, after = '', limit }: { tenant?: string | undefined; after?: string | undefined; limit: number },
): Promise<StoredKey[]> {
  const where = tenant === undefined ? sql`id > ${after}` : sql`tenant = ${tenant} AND id > ${after}`;
  const page = read(sql`SELECT ${COLUMNS} FROM keys WHERE ${where} ORDER BY id LIMIT ${raw(limit)}`);
  const { found } = await database.batch({ found: page });
  return found.map(toKey);
}

/** Adds a key; a Conflict if there is one of that id. */
export async function createKey(database: Database, key: StoredKey): Promise<void> {
  await untilKnown<unknown>(
    () => database.batch({ inserted: insertKey(key) }),
    async () => ((await findKey(database, key.id))?.sha256 === key.sha256 ? true : undefined),
  );
}

/** Revokes a key, unless it is revoked, and returns it as it is then; undefined if there is none. */
export async function revokeKey(database: Database, id: string, now: number): Promise<StoredKey | undefined> {
  const { found } = await untilKnown(() => database.batch({ 0: markRevoked(id, now), found: selectKey(id) }));
  return found[0] && toKey(found[0]);
}

/**
 * Makes a key with the rights of another, which expires at `until`, unless it does before. Returns both as they are then; `made`
 * is undefined, and nothing was done, if the old one is revoked, expired or replaced already.
 */
export async function rotateKey(
  database: Database,
  rotation: KeyRotation,
): Promise<{ old: StoredKey | undefined; made: StoredKey | undefined }> {
  const batch = { 0: replaceKey(rotation), old: selectKey(rotation.id), made: selectKey(rotation.next.id) };
  const { old, made } = await untilKnown(() => database.batch(batch));
  return { old: old[0] && toKey(old[0]), made: made[0] && toKey(made[0]) };
}

/** A key that another takes the place of. */
export interface KeyRotation {
  id: string;
  next: KeyDigest;
  now: number;
  /** Until when the old one is accepted. */
  until: number;
  /** When the new one expires. Default: when the old one would have. */
  expires?: number | undefined;
}

/** Inserts a key. */
export function insertKey(key: StoredKey): Statement {
  const { id, sha256, tenant, user, project, models, scopes, limits, budgets, expires, created } = key;
  const json = (value: object | undefined) => (value ? JSON.stringify(value) : null);
  return write(sql`INSERT INTO keys (${COLUMNS}) VALUES (${id}, ${sha256}, ${tenant}, ${user ?? null}, ${project ?? null},
    ${json(models)}, ${json(scopes)}, ${json(limits)}, ${json(budgets)}, ${expires}, ${created}, ${key.revoked ?? null}, ${key.replacedBy ?? null})`);
}

/** Marks a key as revoked, unless it is. */
export function markRevoked(id: string, now: number): Statement {
  return write(sql`UPDATE keys SET revoked_at = ${now} WHERE id = ${id} AND revoked_at IS NULL`);
}

/** Makes a key in the place of another; they do nothing if that is revoked, expired or replaced. */
export function replaceKey({ id, next, now, until, expires }: KeyRotation): Statement[] {
  const usable = sql`id = ${id} AND revoked_at IS NULL AND replaced_by IS NULL AND expires_at > ${now}`;
  return [
    write(sql`INSERT INTO keys (${COLUMNS}) SELECT ${next.id}, ${next.sha256}, ${RIGHTS},
      ${expires === undefined ? raw('expires_at') : bigint(expires)}, ${bigint(now)}, NULL, NULL FROM keys WHERE ${usable}`),
    write(sql`UPDATE keys SET replaced_by = ${next.id},
      expires_at = CASE WHEN expires_at > ${until} THEN ${until} ELSE expires_at END WHERE ${usable}`),
  ];
}

/** A number whose type no database has to guess. */
function bigint(value: number): Sql {
  return sql`CAST(${value} AS bigint)`;
}

function selectKey(id: string): Statement {
  return read(sql`SELECT ${COLUMNS} FROM keys WHERE id = ${id}`);
}

function toKey(row: Row): StoredKey {
  const text = (name: string) => (row[name] == null ? undefined : String(row[name]));
  const time = (name: string) => (row[name] == null ? undefined : Number(row[name]));
  // Written by `insertKey`, of what the configuration's schema accepts.
  const json = (name: string) => (row[name] == null ? undefined : JSON.parse(String(row[name])));
  return {
    id: String(row.id),
    sha256: String(row.sha256),
    tenant: String(row.tenant),
    user: text('user_name'),
    project: text('project'),
    models: json('models'),
    scopes: json('scopes'),
    limits: json('limits'),
    budgets: json('budgets'),
    expires: Number(row.expires_at),
    created: Number(row.created_at),
    revoked: time('revoked_at'),
    replacedBy: text('replaced_by'),
  };
}
