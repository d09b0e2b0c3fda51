import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { newRoles } from '../support/databases/postgres-roles.ts';
import { newFolder } from '../support/folder.ts';
import { type Loaded, losesNothing, until } from '../support/load-under-faults.ts';
import { startScriptedModel } from '../support/model/scripted.ts';
import { noPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { startCommand, writeConfig } from '../support/product.ts';

interface Scene extends Loaded {
  server: PostgresServer;
  pooler: PgBouncer;
}

/** Two processes with two roles of a PostgreSQL, which has fewer connections for both than each of them asks PgBouncer for. */
async function open(t: TestContext): Promise<Scene> {
  const server = await startPostgres();
  const { admin, url, superuser } = await newRoles(server);
  const pooler = await startPgBouncer(server.port, ['default_pool_size = 5', 'max_client_conn = 1000']);
  const model = await startScriptedModel();
  const config = await writeConfig(newFolder(), {
    models: [{ match: '*', backend: 'chat', url: model.url }],
    database: { url: pooler.at(url), admin: pooler.at(admin) },
    limits: { lease: '2s' },
  });
  const start = () => startCommand(['-no-envoy', '-log-level', 'error', '-config', config]);
  const products = [await start(), await start()];
  t.after(async () => {
    for (const product of products) {
      product.kill('SIGKILL');
      await product.exited;
    }
    await pooler.stop();
    await server.stop('SIGQUIT');
    await model.close();
  });
  const query = async (text: string) => {
    const client = new pg.Client(superuser);
    client.on('error', () => {});
    await client.connect();
    const { rows } = await client.query(text);
    await client.end();
    return rows;
  };
  return { products, model, server, pooler, query };
}

const OURS = "FROM pg_stat_activity WHERE usename IN ('app', 'owner')";

const faults: [name: string, run: (scene: Scene) => Promise<void>, isAwayForLong?: boolean][] = [
  [
    'the server behind it away for eight seconds',
    async ({ server }) => {
      await server.stop('SIGINT');
      await sleep(8_000);
      await server.start();
    },
    true,
  ],
  [
    'RELOAD, and PAUSE for two seconds',
    async ({ pooler }) => {
      await pooler.command('RELOAD');
      const paused = pooler.command('PAUSE');
      await sleep(2_000);
      await pooler.command('RESUME');
      await paused;
    },
  ],
  [
    'the connections of the server ended, and one of them killed',
    async ({ query }) => {
      await query(`SELECT pg_terminate_backend(pid) ${OURS}`);
      await sleep(300);
      const [one] = await query(`SELECT pid ${OURS} LIMIT 1`);
      if (one) process.kill(Number(one.pid), 'SIGKILL');
      await until(async () => (await query('SELECT 1').catch(() => [])).length > 0);
    },
  ],
  [
    'kill -9 of PgBouncer',
    async ({ pooler }) => {
      await pooler.stop('SIGKILL');
      await sleep(500);
      await pooler.start();
    },
  ],
];

test('PgBouncer under faults and load: what was acknowledged is there, nothing is torn or locked, and no process dies', {
  skip: noPgBouncer,
}, async (t) => {
  const scene = await open(t);
  for (const [name, run, isAwayForLong] of faults)
    await t.test(name, (t) => losesNothing(t, scene, () => run(scene), isAwayForLong));
});
