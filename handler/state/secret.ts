import { keepSecret } from '../redact.ts';
import { makeSecret, type Secret, type SharedSecret } from '../seal.ts';
import type { Database } from './database/database.ts';
import { read, sql, write } from './database/sql.ts';

/** Its id; a configured one of this id would be another secret. */
const ID = 'database';

/** The secret that all processes of a database share; whoever asks first makes it. */
export function sharedSecret(database: Database): SharedSecret {
  return { id: ID, read: () => readSecret(database) };
}

/** Writes only where there is none yet: whoever opens what is sealed waits for no other process that writes. */
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
