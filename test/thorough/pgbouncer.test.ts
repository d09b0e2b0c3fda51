import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import pg from 'pg';
import { databaseContract } from '../../handler/state/database/contract.ts';
import { race } from '../../handler/state/database/race.ts';
import { read, sql, write } from '../../handler/state/database/sql.ts';
import { check } from '../../shim/check.ts';
import { openDatabase } from '../../shim/database.ts';
import { connect, OF_REQUESTS, routeTo } from '../../shim/databases/postgres-connect.ts';
import { create, stream } from '../promises/ask.ts';
import { contents, conversation, stored, until } from '../promises/state-ask.ts';
import { tryContract } from '../support/contract.ts';
import { newRoles } from '../support/databases/postgres-roles.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { newFolder } from '../support/folder.ts';
import { says } from '../support/model/scripted.ts';
import { noPgBouncer, type PgBouncer, pgBouncerVersion, startPgBouncer } from '../support/pgbouncer.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { writeConfig } from '../support/product.ts';

const skip = noPgBouncer;
const server = await startPostgres(['max_connections=200']);
after(() => server.stop());

async function startPooler(
  later: (stop: () => Promise<void>) => void,
  settings: readonly string[] = [],
): Promise<PgBouncer> {
  const pooler = await startPgBouncer(server.port, ['server_idle_timeout = 2', ...settings]);
  later(() => pooler.stop());
  return pooler;
}

if (!skip) {
  const pooler = await startPooler(after, ['default_pool_size = 4', 'max_client_conn = 1000']);
  tryContract('PgBouncer', databaseContract, async () => {
    const url = await server.newDatabase();
    const database = await connect(pooler.at(url), 8, OF_REQUESTS);
    const another = await connect(pooler.at(url), 8, OF_REQUESTS);
    return {
      database,
      another,
      async lock() {
        const client = new pg.Client(url);
        await client.connect();
        await client.query("BEGIN; INSERT INTO owners (id, alive_until) VALUES ('theirs', 0)");
        return async () => {
          await client.query('COMMIT');
          await client.end();
        };
      },
      async close() {
        await Promise.all([database.close(), another.close()]);
      },
    };
  });
}

/** Whether the PgBouncer that is there knows whose named statements are whose. */
const keepsNames = () => pgBouncerVersion()[1] >= 24;

test('how a server is reached is found out, whatever the pooler is called', { skip }, async (t) => {
  const url = await server.newDatabase();
  const asked = async (settings: string[]) => routeTo((await startPooler((stop) => t.after(stop), settings)).at(url));
  const { missing, ...direct } = await routeTo(url);
  assert.deepEqual([direct, missing], [{ pooler: undefined, keepsNames: true, most: 197 }, {}]);
  const names = keepsNames();
  for (const [settings, pooler, keepsNames] of [
    [[], 'transaction', names],
    [['server_round_robin = 1'], 'transaction', names],
    [['default_pool_size = 1'], 'transaction', names],
    [['ignore_startup_parameters = options'], 'transaction', names],
    [['pool_mode = statement'], 'transaction', names],
    [['pool_mode = session'], 'session', true],
    ...(names ? ([[['max_prepared_statements = 0'], 'transaction', false]] as const) : []),
  ] as const) {
    const route = await asked([...settings]);
    assert.deepEqual([route.pooler, route.keepsNames], [pooler, keepsNames], settings.join());
    assert.equal(route.missing.default_transaction_isolation, 'repeatable read');
    assert.equal(route.missing.lock_timeout, '4000');
  }
});

for (const mode of ['session', 'statement'])
  test(`where PgBouncer shares by ${mode}, six claimants get what there is to have once`, { skip }, async (t) => {
    const pooler = await startPooler((stop) => t.after(stop), [`pool_mode = ${mode}`]);
    const url = pooler.at(await server.newDatabase());
    const [database, another] = [await connect(url, 4, OF_REQUESTS), await connect(url, 4, OF_REQUESTS)];
    await race(database, another).finally(() => Promise.all([database.close(), another.close()]));
  });

test('a batch behind a pooler has isolation and times of its own, unless its role has them', { skip }, async (t) => {
  const url = await server.newDatabase();
  const pooler = await startPooler((stop) => t.after(stop));
  const settings = async () => {
    const database = await connect(pooler.at(url), 2, OF_REQUESTS);
    const batch = {
      isolation: read(
        sql`SELECT current_setting('transaction_isolation') AS is, current_setting('default_transaction_isolation') AS role`,
      ),
      time: read(sql`SELECT current_setting('statement_timeout') AS is`),
    };
    const { isolation, time } = await database.batch(batch);
    await database.close();
    return [isolation[0]?.is, isolation[0]?.role, time[0]?.is];
  };
  assert.deepEqual(await settings(), ['repeatable read', 'read committed', '10s']);
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`ALTER ROLE postgres IN DATABASE ${new URL(url).pathname.slice(1)} SET statement_timeout = '1s'`);
  await client.query(
    `ALTER ROLE postgres IN DATABASE ${new URL(url).pathname.slice(1)} SET default_transaction_isolation = 'repeatable read'`,
  );
  await client.end();
  await pooler.command('RECONNECT');
  assert.deepEqual(await settings(), ['repeatable read', 'repeatable read', '10s']);
});

test('check says how the database is reached, and what is wrong with that', { skip }, async (t) => {
  const url = await server.newDatabase();
  const told = async (database: unknown) => {
    let text = '';
    const config = await writeConfig(newFolder(), { models: [{ match: '*', backend: 'demo' }], database });
    const code = await check(config, {}, (line) => {
      text += `${line}\n`;
    });
    return [code, ...(text.match(/^.*database\.\w+: .*$/gm) ?? [])].join('\n');
  };
  const pooler = await startPooler((stop) => t.after(stop), ['default_pool_size = 2']);
  const session = await startPooler((stop) => t.after(stop), ['pool_mode = session']);
  assert.match(
    await told({ url: pooler.at(url), read: session.at(url) }),
    /^0\ndatabase\.url: PostgreSQL, behind a pooler that .*named statements.*\ndatabase\.read: PostgreSQL, .*: pool_mode = transaction$/,
  );
  await pooler.stop();
  assert.match(await told(pooler.at(url)), /^2\n! database\.url: cannot open postgres:.* ECONNREFUSED/);
});

/** So many connections are asked of one that is paused. */
const PAUSED = 7;

test('a pooler without connections for this process is refused, with the cure', { skip }, async (t) => {
  const url = await server.newDatabase();
  const open = async (settings: string[], connections = 16) => {
    const pooler = await startPooler((stop) => t.after(stop), settings);
    if (connections === PAUSED) await pooler.command('PAUSE');
    const database = await openDatabase({ url: pooler.at(url), connections });
    await database.close();
  };
  await openDatabase(url).then((database) => database.close());
  await Promise.all([
    assert.rejects(
      open(['pool_mode = session', 'default_pool_size = 3']),
      /3 of the 16 .*pool_mode = transaction, .*database\.connections/,
    ),
    assert.rejects(open(['pool_mode = session', 'default_pool_size = 1']), /pool_mode = transaction/),
    assert.rejects(open(['max_client_conn = 1']), /max_client_conn.* by database\.connections/),
    assert.rejects(open([], PAUSED), /a pooler that is paused/),
    open(['pool_mode = session', 'default_pool_size = 3'], 3),
  ]);
});

test('turns, streams, a conversation and the background through a pooler, with PAUSE, RELOAD, RECONNECT and lost connections between them', {
  skip,
}, async (t) => {
  const pooler = await startPooler((stop) => t.after(stop), ['default_pool_size = 2']);
  const urls = await newRoles(server);
  const database = await openDatabase({ url: pooler.at(urls.url), admin: pooler.at(urls.admin), connections: 4 });
  const door = await openInProcess({ database });
  t.after(async () => {
    await door.close();
    await database.close();
  });
  const client = new pg.Client(urls.superuser);
  await client.connect();
  t.after(() => client.end());
  const model = door.model.script(says('Hello'));
  const id = await conversation(door);
  const said: string[] = [];
  let previous: string | undefined;
  const between = [
    () => pooler.command('RELOAD'),
    async () => {
      const paused = pooler.command('PAUSE');
      setTimeout(() => pooler.command('RESUME'), 300);
      await paused;
    },
    () => pooler.command('RECONNECT'),
    () => client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('app', 'owner')"),
    async () => {
      await pooler.stop();
      await pooler.start();
    },
  ];
  for (const [turn, happens] of between.entries()) {
    const input = `turn ${turn}`;
    const [, , { final }, queued] = await Promise.all([
      happens(),
      create(door, { model, conversation: id, input }),
      stream(door, { model, input, previous_response_id: previous }),
      create(door, { model, input, background: true }),
    ] as const);
    said.push(`user: ${input}`, 'assistant: Hello');
    assert.equal(final.status, 'completed');
    previous = final.id;
    await until(async () => (await stored(door, queued.id)).status === 'completed');
  }
  assert.deepEqual(await contents(door, id), said);
  // What is another tenant's is not seen, on the same connections.
  const other = database.of?.('other') ?? assert.fail();
  assert.deepEqual(await other.batch({ all: read(sql`SELECT id FROM responses`) }), { all: [] });
  await assert.rejects(
    other.batch({
      made: write(
        sql`INSERT INTO conversations (tenant, id, created_at, metadata) VALUES ('default', 'conv_1', 0, '{}')`,
      ),
    }),
    /row-level security/,
  );
});
