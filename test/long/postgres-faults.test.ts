import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { newRoles } from '../support/databases/postgres-roles.ts';
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';
import { newFolder } from '../support/folder.ts';
import { type Loaded, losesNothing, until } from '../support/load-under-faults.ts';
import { startScriptedModel } from '../support/model/scripted.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { startCommand, writeConfig } from '../support/product.ts';

interface Scene extends Loaded {
  server: PostgresServer;
  proxy: FaultyProxy;
}

async function open(t: TestContext): Promise<Scene> {
  const server = await startPostgres(['max_connections=200']);
  const { admin, superuser } = await newRoles(server);
  const proxy = await startFaultyProxy(server.port);
  const model = await startScriptedModel();
  const url = new URL(admin);
  url.port = `${proxy.port}`;
  const config = await writeConfig(newFolder(), {
    models: [{ match: '*', backend: 'chat', url: model.url }],
    database: url.href,
    limits: { lease: '2s' },
  });
  const start = () => startCommand(['-no-envoy', '-log-level', 'error', '-config', config]);
  const products = [await start(), await start()];
  for (const product of products) assert.match(product.stderr(), /is ready/, product.stderr());
  t.after(async () => {
    for (const product of products) {
      product.kill('SIGKILL');
      await product.exited;
    }
    await proxy.close();
    await server.stop('SIGQUIT');
    await model.close();
  });
  const query = async (text: string) => {
    const client = new pg.Client({ connectionString: superuser, options: '-c default_transaction_read_only=off' });
    client.on('error', () => {});
    await client.connect();
    const { rows } = await client.query(text);
    await client.end();
    return rows;
  };
  return { products, model, server, proxy, query };
}

const faults: [name: string, isAwayForLong: boolean, run: (scene: Scene) => Promise<void>][] = [
  [
    'restart fast',
    true,
    async ({ server }) => {
      await server.stop('SIGINT');
      await sleep(8_000);
      await server.start();
    },
  ],
  [
    'restart immediate',
    false,
    async ({ server }) => {
      await server.stop('SIGQUIT');
      await server.start();
    },
  ],
  [
    'kill -9 of a backend',
    false,
    async ({ query }) => {
      const [one] = await query("SELECT pid FROM pg_stat_activity WHERE usename = 'owner' LIMIT 1");
      process.kill(Number(one?.pid), 'SIGKILL');
      await until(async () => (await query('SELECT 1').catch(() => [])).length > 0);
    },
  ],
  [
    'pg_terminate_backend of all',
    false,
    async ({ query }) => {
      for (let time = 0; time < 5; time++) {
        await query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'owner'");
        await sleep(200);
      }
    },
  ],
  [
    'a server that only reads for a while',
    true,
    async ({ query }) => {
      await query('ALTER SYSTEM SET default_transaction_read_only = on');
      await query('SELECT pg_reload_conf()');
      await sleep(7_000);
      await query('ALTER SYSTEM RESET default_transaction_read_only');
      await query('SELECT pg_reload_conf()');
    },
  ],
  [
    'no connection left',
    true,
    async ({ query }) => {
      await query('ALTER ROLE owner CONNECTION LIMIT 0');
      await query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'owner'");
      await sleep(7_000);
      await query('ALTER ROLE owner CONNECTION LIMIT -1');
    },
  ],
  [
    'connections cut, before and after a batch',
    false,
    async ({ proxy }) => {
      let batches = 0;
      proxy.decide(() => (++batches % 5 > 0 ? 'passes' : batches % 10 > 0 ? 'before' : 'after'));
      await sleep(3_000);
      proxy.decide(() => 'passes');
    },
  ],
  [
    'connections that nothing comes through any more',
    false,
    async ({ proxy }) => {
      proxy.stall('these');
      await sleep(5_000);
    },
  ],
  [
    'a network that stalls for 30 s',
    true,
    async ({ proxy }) => {
      proxy.stall('all');
      await sleep(30_000);
      proxy.stall('none');
    },
  ],
  [
    'kill -9 of the server',
    false,
    async ({ server }) => {
      await server.stop('SIGKILL');
      await until(() =>
        server.start().then(
          () => true,
          () => false,
        ),
      ); // its children hold its memory for a moment
    },
  ],
];

test('PostgreSQL under faults and load: what was acknowledged is there, nothing is torn or locked, and no request hangs', async (t) => {
  const scene = await open(t);
  for (const [name, isAwayForLong, run] of faults) {
    await t.test(name, (t) => losesNothing(t, scene, () => run(scene), isAwayForLong));
  }
});
