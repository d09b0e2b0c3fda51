import { keepSecret } from '../redact.ts';
import { makeSecret, type Secret, type SharedSecret } from '../seal.ts';
import type { Database } from './database/database.ts';

/** Its id; a configured one of this id would be another secret. */
const ID = 'database';

/** The secret that all processes of a database share; whoever asks first makes it. */
export function sharedSecret(database: Database): SharedSecret {
  return { id: ID, read: () => readSecret(database) };
}

async function readSecret(database: Database): Promise<Secret> {
  const [, [row] = []] = await database.batch([
    {
      sql: 'INSERT INTO secrets (id, key) VALUES (?, ?) ON CONFLICT (id) DO NOTHING',
      values: [ID, makeSecret(ID).key],
    },
    { sql: 'SELECT key FROM secrets WHERE id = ?', values: [ID] },
  ]);
  const key = String(row?.key);
  keepSecret(key);
  return { id: ID, key };
}
