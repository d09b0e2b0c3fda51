import type { Statement } from './database/database.ts';
import { list, raw, type Sql, sql, write } from './database/sql.ts';

/** What a database may not take in a key: NUL, and halves of surrogate pairs. Nobody can ask for it in a query either. */
const UNFIT = /[\0\p{Cs}]/u;

/** Inserts the metadata of a response or conversation, to find it by, if a condition holds; pairs that are there stay. */
export function insertMetadata(
  tenant: string,
  holder: string,
  metadata: Readonly<Record<string, string>>,
  condition: Sql = raw('true'),
): Statement[] {
  const pairs = Object.entries(metadata).filter(([key, value]) => !UNFIT.test(key) && !UNFIT.test(value));
  if (pairs.length === 0) return [];
  const rows = pairs.map(([key, value]) => sql`(${tenant}, ${key}, ${value}, ${holder})`);
  return [
    write(sql`INSERT INTO metadata (tenant, key, value, holder) SELECT p.* FROM (VALUES ${list(rows)}) p WHERE ${condition}
      ON CONFLICT (tenant, key, value, holder) DO NOTHING`),
  ];
}

/** Deletes the metadata of a response or conversation. */
export function removeMetadata(tenant: string, holder: string): Statement {
  return write(sql`DELETE FROM metadata WHERE tenant = ${tenant} AND holder = ${holder}`);
}
