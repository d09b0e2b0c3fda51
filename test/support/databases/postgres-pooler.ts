import type { Database } from '../../../handler/index.ts';
import { ISOLATE } from '../../../handler/state/database/postgres.ts';
import { routeTo } from '../../../shim/databases/postgres-connect.ts';
import { type PgBouncer, startPgBouncer } from '../pgbouncer.ts';
import { type PostgresServer, startPostgres } from '../postgres-server.ts';
import { connectPostgres } from './postgres.ts';

let servers: Promise<[PostgresServer, PgBouncer]> | undefined;

/** PostgreSQL behind a PgBouncer that shares its connections by transaction, of which there are fewer than are asked for. */
export async function open(): Promise<Database> {
  servers ??= startPostgres(['max_connections=300']).then(async (server) => [
    server,
    await startPgBouncer(server.port, [
      ...['default_pool_size = 4', 'server_idle_timeout = 2', 'max_client_conn = 1000'],
      'ignore_startup_parameters = options',
    ]),
  ]);
  const [server, pooler] = await servers;
  const url = pooler.at(await server.newDatabase());
  const { keepsNames } = await routeTo(url);
  return connectPostgres(url, 8, { first: [ISOLATE], named: keepsNames });
}
