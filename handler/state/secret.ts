import { keepSecret } from '../redact.ts';
import { makeSecret, type Secret, type SharedSecret } from '../seal.ts';
import type { Database } from './database/database.ts';
import { read, sql, write } from './database/sql.ts';

/** Id of this secret; a configured one of the same id would be another. */
const ID = 'database';

/** The sealing secret that all processes of a database share; the first to ask creates it. */
export function sharedSecret(database: Database): SharedSecret {
  return { id: ID, read: () => readSecret(database) };
}

/** Reads before it writes: opening a seal must not wait for other writers. */
async function readSecret(database: Database): Promise<Secret> {
  const key = (await findKey(database)) ?? (await makeKey(database));
  keepSecret(key);
  return { id: ID, key };
}

const SELECT_KEY = read(sql`SELECT key FROM secrets WHERE id = ${ID}`);

async function findKey(database: Database): Promise<string | undefined> {
  const { found } = await database.batch({ found: SELECT_KEY });
  return found[0] && String(found[0].key);
}

async function makeKey(database: Database): Promise<string> {
  const { found } = await database.batch({
    inserted: write(
      sql`INSERT INTO secrets (id, key) VALUES (${ID}, ${makeSecret(ID).key}) ON CONFLICT (id) DO NOTHING`,
    ),
    found: SELECT_KEY,
  });
  return String(found[0]?.key);
}
