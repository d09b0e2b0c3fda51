import pg from 'pg';
import type { Database } from '../../../handler/index.ts';
import { type PostgresOptions, type PostgresPool, postgresDatabase } from '../../../handler/state/database/postgres.ts';
import { type PostgresServer, startPostgres } from '../postgres-server.ts';

let server: Promise<PostgresServer> | undefined;

/** PostgreSQL: a database of its own on a server that ends with the process. */
export async function open(): Promise<Database> {
  server ??= startPostgres();
  return connectPostgres(await (await server).newDatabase());
}

/** A Database on the connections to this URL, as the product opens them. */
export function connectPostgres(url: string, max = 8, options: PostgresOptions = {}): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    allowExitOnIdle: true,
    options: '-c default_transaction_isolation=repeatable\\ read',
  });
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return postgresDatabase(pool as unknown as PostgresPool, options); // pg's own types know no batch
}
