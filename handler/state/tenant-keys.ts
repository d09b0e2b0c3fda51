import type { Database, Row, Statement } from './database/database.ts';
import { raw, read, sql, write } from './database/sql.ts';

/** A key by which a tenant's texts are encrypted, wrapped by a secret of the deployment. Times are milliseconds since 1970. */
export interface TenantKey {
  tenant: string;
  id: string;
  /** The id of the secret. */
  secret: string;
  wrapped: string;
  created: number;
  /** When it was dropped: then nobody has it any more. */
  dropped: number | undefined;
}

/** What is in the place of a wrapped key that was dropped, as long as that, so that it is overwritten where it was. */
const NOTHING = '-'.repeat(80);

const COLUMNS = raw('tenant, id, secret, wrapped, created_at, dropped_at');

/** The keys of a tenant, the oldest first, dropped ones included, after these statements. */
export async function findTenantKeys(
  database: Database,
  tenant: string,
  before: readonly Statement[] = [],
): Promise<TenantKey[]> {
  const { rows } = await database.batch({
    before,
    rows: read(sql`SELECT ${COLUMNS} FROM tenant_keys WHERE tenant = ${tenant} ORDER BY created_at, id`),
  });
  return rows.map(toTenantKey);
}

/** Inserts a key, with `ifNone` only if the tenant has none. */
export function insertTenantKey({ tenant, id, secret, wrapped, created }: TenantKey, ifNone = false): Statement {
  const condition = ifNone
    ? sql` WHERE NOT EXISTS (SELECT 1 FROM tenant_keys k WHERE k.tenant = ${tenant} AND k.dropped_at IS NULL)`
    : raw('');
  return write(sql`INSERT INTO tenant_keys (tenant, id, secret, wrapped, created_at)
    SELECT ${tenant}, ${id}, ${secret}, ${wrapped}, CAST(${created} AS bigint)${condition}`);
}

/** Drops all keys of a tenant, and returns their ids. */
export async function dropTenantKeys(database: Database, tenant: string, now: number): Promise<string[]> {
  const which = sql`tenant = ${tenant} AND dropped_at IS NULL`;
  const { dropped } = await database.batch({
    // First as long as it was, so that SQLite writes it where that was.
    overwritten: write(sql`UPDATE tenant_keys SET wrapped = ${NOTHING} WHERE ${which}`),
    dropped: write(sql`UPDATE tenant_keys SET dropped_at = ${now} WHERE ${which} RETURNING id`),
  });
  return dropped.map(({ id }) => String(id));
}

/** For each secret that wraps keys one of them, by the ids of the secrets. */
export async function keyOfEachSecret(database: Database): Promise<TenantKey[]> {
  const found: TenantKey[] = [];
  for (let after = ''; ; ) {
    const { rows } = await database.batch({
      rows: read(sql`SELECT ${COLUMNS} FROM tenant_keys WHERE dropped_at IS NULL AND secret > ${after}
        ORDER BY secret, tenant, id LIMIT 1`),
    });
    if (!rows[0]) return found;
    const key = toTenantKey(rows[0]);
    found.push(key);
    after = key.secret;
  }
}

/** At most `limit` keys that a secret wraps. */
export async function keysOfSecret(database: Database, secret: string, limit: number): Promise<TenantKey[]> {
  const { rows } = await database.batch({
    rows: read(sql`SELECT ${COLUMNS} FROM tenant_keys WHERE dropped_at IS NULL AND secret = ${secret}
      ORDER BY tenant, id LIMIT ${raw(limit)}`),
  });
  return rows.map(toTenantKey);
}

/** Wraps a key by another secret, unless it was dropped or wrapped anew meanwhile. */
export function rewrapTenantKey(
  { tenant, id, secret }: TenantKey,
  next: Pick<TenantKey, 'secret' | 'wrapped'>,
): Statement {
  return write(sql`UPDATE tenant_keys SET secret = ${next.secret}, wrapped = ${next.wrapped}
    WHERE tenant = ${tenant} AND id = ${id} AND secret = ${secret} AND dropped_at IS NULL`);
}

function toTenantKey(row: Row): TenantKey {
  return {
    tenant: String(row.tenant),
    id: String(row.id),
    secret: String(row.secret),
    wrapped: String(row.wrapped),
    created: Number(row.created_at),
    dropped: row.dropped_at == null ? undefined : Number(row.dropped_at),
  };
}
