import type { Database } from '../../../handler/index.ts';
import { type FaultyProxy, startFaultyProxy } from '../faulty-proxy.ts';
import { type PostgresServer, startPostgres } from '../postgres-server.ts';
import { connectPostgres } from './postgres.ts';

let server: Promise<[PostgresServer, FaultyProxy]> | undefined;

/** PostgreSQL whose connections are cut at every seventh batch, before it has come, or after it was done. */
export async function open(): Promise<Database> {
  server ??= startPostgres().then(async (server) => {
    const proxy = await startFaultyProxy(server.port);
    let batches = 0;
    // What comes in many pieces would be cut for ever.
    proxy.decide((bytes) => (bytes > 16_384 || ++batches % 7 > 0 ? 'passes' : batches % 14 > 0 ? 'before' : 'after'));
    return [server, proxy];
  });
  const [{ newDatabase }, { port }] = await server;
  const url = new URL(await newDatabase());
  url.port = `${port}`;
  return connectPostgres(url.href);
}
