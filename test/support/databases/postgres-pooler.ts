import type { Database } from '../../../handler/index.ts';
import { connect, OF_REQUESTS } from '../../../shim/databases/postgres-connect.ts';
import { type PgBouncer, startPgBouncer } from '../pgbouncer.ts';
import { type PostgresServer, startPostgres } from '../postgres-server.ts';

let servers: Promise<[PostgresServer, PgBouncer]> | undefined;

/** PostgreSQL behind a PgBouncer that shares its connections by transaction, of which there are fewer than are asked for. */
export async function open(): Promise<Database> {
  servers ??= startPostgres(['max_connections=300']).then(async (server) => [
    server,
    await startPgBouncer(server.port, ['default_pool_size = 4', 'server_idle_timeout = 2', 'max_client_conn = 1000']),
  ]);
  const [server, pooler] = await servers;
  return connect(pooler.at(await server.newDatabase()), 8, OF_REQUESTS);
}
