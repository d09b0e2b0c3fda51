import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { partitionOf } from '../../handler/caller.ts';
import type { Batch, Database } from '../../handler/state/database/database.ts';
import { SEPARATOR } from '../../handler/state/database/postgres-tenants.ts';
import { lagging, raw, read, sql, write } from '../../handler/state/database/sql.ts';
import { tenantTables } from '../../handler/state/tenants.ts';
import { kindOf, openDatabase } from '../../shim/database.ts';
import { until } from '../promises/state-ask.ts';
import { newRoles } from '../support/databases/postgres-roles.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { says } from '../support/model/scripted.ts';
import { startPostgres } from '../support/postgres-server.ts';

const server = await startPostgres();
after(() => server.stop());

/** Tables that the role of tenants has nothing to do with. */
const HIDDEN = new Set(['keys', 'allowances', 'reservations', 'stored_bytes', 'tenant_keys', 'secrets', 'migrations']);

const PARTITIONS = ['a', `a${SEPARATOR}alice`, `a${SEPARATOR}bob`, 'a2', 'b'];

/** A database by two roles with a response in each partition, and a client of each role. */
async function open(t: { after(run: () => Promise<unknown>): void }) {
  const urls = await newRoles(server);
  const database = await openDatabase({ url: urls.url, admin: urls.admin });
  const [app, owner] = [new pg.Client(urls.url), new pg.Client(urls.admin)];
  await app.connect();
  await owner.connect();
  t.after(() => Promise.all([app.end(), owner.end(), database.close()]));
  for (const tenant of PARTITIONS) await of(database, tenant).batch({ response: insert(tenant) });
  return { urls, database, app, owner };
}

function of(database: Database, partition: string, users?: boolean): Database {
  const own = database.of?.(partition, users);
  assert.ok(own);
  return own;
}

const insert = (tenant: string, id = 'resp_1') =>
  write(sql`INSERT INTO responses (tenant, id, owner, status, background, compacted, expires_at, body)
    VALUES (${tenant}, ${id}, '', 'completed', 0, 0, 1, ${`of ${tenant}`})`);

/** What a mistake would be: a statement that names no tenant. */
const ALL = read(sql`SELECT r.tenant FROM responses r ORDER BY r.tenant`);

const seen = async (database: Database) => (await database.batch({ all: ALL })).all.map(({ tenant }) => tenant);

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error) => String(error.code),
  );

test('without a tenant the role of tenants sees no row of any table, and writes none', async (t) => {
  const { app, owner } = await open(t);
  const { rows } = await owner.query("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'");
  const { rows: withTenant } = await owner.query(
    "SELECT table_name AS name FROM information_schema.columns WHERE column_name = 'tenant' AND table_schema = 'public'",
  );
  const tables = new Set(withTenant.map(({ name }) => name));
  assert.deepEqual(tables, new Set(tenantTables.map(({ name }) => name)));
  for (const { name } of rows) {
    const counted = app.query(`SELECT count(*) AS n FROM ${name}`);
    if (HIDDEN.has(name)) assert.equal(await codeOf(counted), '42501', name);
    else assert.equal((await counted).rows[0].n, '0', name);
  }
  assert.equal((await owner.query('SELECT count(*) AS n FROM responses')).rows[0].n, String(PARTITIONS.length));
  for (const statement of [
    "INSERT INTO conversations (tenant, id, created_at, metadata) VALUES ('a', 'conv_1', 0, '{}')",
    "INSERT INTO charges SELECT 'a', 'x', 0, '', '', '', '', '', 0, 0, 0, 0, 0, 0, '{}', 0",
  ])
    assert.equal(await codeOf(app.query(statement)), '42501');
  for (const statement of ['DELETE FROM responses', "UPDATE responses SET body = ''"])
    assert.equal((await app.query(statement)).rowCount, 0);
  assert.equal(await codeOf(app.query('ALTER TABLE responses DISABLE ROW LEVEL SECURITY')), '42501');
  assert.equal(await codeOf(app.query('DROP TABLE responses')), '42501');
});

test('with a tenant it sees and writes what is of that one', async (t) => {
  const { app } = await open(t);
  await app.query("SET app.tenant = 'a'");
  assert.deepEqual((await app.query('SELECT tenant, body FROM responses')).rows, [{ tenant: 'a', body: 'of a' }]);
  assert.equal((await app.query("UPDATE responses SET body = 'x'")).rowCount, 1);
  assert.equal(await codeOf(app.query("UPDATE responses SET tenant = 'b'")), '42501');
  assert.equal(await codeOf(app.query("INSERT INTO metadata VALUES ('b', 'k', 'v', 'h')")), '42501');
  assert.equal((await app.query('DELETE FROM responses')).rowCount, 1);
  await app.query('RESET app.tenant');
  assert.equal((await app.query('SELECT count(*) AS n FROM responses')).rows[0].n, '0');
});

test('a statement without its tenant finds and changes nothing of others, whatever runs beside it on the connections', async (t) => {
  const { database, owner } = await open(t);
  const looks = Array.from({ length: 200 }, async (_, n) => {
    const partition = PARTITIONS[n % PARTITIONS.length] ?? '';
    assert.deepEqual(await seen(of(database, partition)), [partition]);
  });
  await Promise.all(looks);
  assert.deepEqual(await seen(database), [...PARTITIONS].sort());
  const batches: Batch[] = [
    { deleted: write(sql`DELETE FROM responses WHERE id = 'resp_1'`), again: insert('a') },
    { changed: write(sql`UPDATE responses SET body = 'changed'`) },
  ];
  for (const batch of batches) await of(database, 'a').batch(batch);
  const { rows } = await owner.query("SELECT tenant FROM responses WHERE body = 'changed'");
  assert.deepEqual(rows, [{ tenant: 'a' }]);
  assert.equal(await codeOf(of(database, 'a').batch({ written: insert('b', 'resp_2') })), '42501');
});

test('a tenant with its users is what an administrator lists, and no tenant with a like name', async (t) => {
  const { database } = await open(t);
  assert.deepEqual(await seen(of(database, 'a', true)), PARTITIONS.slice(0, 3));
  assert.deepEqual(await seen(of(of(database, 'a', true), `a${SEPARATOR}bob`)), [`a${SEPARATOR}bob`]);
  assert.equal(partitionOf({ tenant: 'a', user: 'bob' }, 'user'), `a${SEPARATOR}bob`);
});

test('a charge is of who is charged', async (t) => {
  const { database } = await open(t);
  const charge = (tenant: string) =>
    write(sql`INSERT INTO charges (tenant, id, at, user_name, project, key_id, model, kind, input, cached, cache_write, output, reasoning,
      total, costs, stored) VALUES (${tenant}, ${tenant}, 0, '', '', '', '', '', 0, 0, 0, 0, 0, 0, '{}', 0)`);
  const alice = of(database, `a${SEPARATOR}alice`);
  await alice.batch({ charge: charge(`a${SEPARATOR}alice`) });
  for (const other of ['a', 'a2', 'b']) assert.equal(await codeOf(alice.batch({ charge: charge(other) })), '42501');
  assert.deepEqual((await alice.batch({ all: read(raw('SELECT tenant FROM charges')) })).all, [
    { tenant: `a${SEPARATOR}alice` },
  ]);
});

test('a role that policies do not hold, or hold alone, is refused; a table that comes later is secured by the next start', async (t) => {
  const { urls, owner } = await open(t);
  await assert.rejects(openDatabase({ url: urls.superuser, admin: urls.admin }), /does not hold for its role postgres/);
  await assert.rejects(openDatabase({ url: urls.url }), /holds for its role app: database\.admin has to name/);
  for (const url of [urls.admin, urls.superuser]) await (await openDatabase({ url })).close();
  const both = { url: urls.url, admin: urls.admin };
  assert.deepEqual(await kindOf(both).pendingSteps(both), []);
  await owner.query('CREATE TABLE later (tenant text)');
  assert.match(
    (await kindOf(both).pendingSteps(both)).join('\n'),
    /CREATE POLICY of_tenant ON "later"[\s\S]*ENABLE ROW[\s\S]*GRANT/,
  );
  const many = await Promise.all(Array.from({ length: 4 }, () => openDatabase(both)));
  await Promise.all(many.map((database) => database.close()));
  assert.deepEqual(await kindOf(both).pendingSteps(both), []);
});

test('a replica is read by a role that policies hold, and by no other; there too each tenant has what is its own', async (t) => {
  const replica = await server.replicate(); // which starts the server anew
  const { urls, database } = await open(t);
  const at = (url: string) => Object.assign(new URL(url), { port: `${replica.port}` }).href;
  const [held, free] = await Promise.all(
    [urls.url, urls.admin].map((role) => openDatabase({ url: urls.url, admin: urls.admin, read: at(role) })),
  );
  t.after(async () => {
    await Promise.all([held?.close(), free?.close()]);
    await replica.stop('SIGQUIT');
  });
  const place = read(
    sql`SELECT CASE WHEN pg_is_in_recovery() THEN 'replica' ELSE 'primary' END AS place, current_user AS role`,
  );
  const placeOf = async (whole: Database | undefined) => {
    const { where } = await of(whole ?? assert.fail(), 'a').batch({ where: lagging(place), all: lagging(ALL) });
    return where[0]?.place;
  };
  await of(database, 'a').batch({ later: insert('a', 'resp_2') });
  await until(async () => (await placeOf(held)) === 'replica');
  for (let looks = 0; looks < 60; looks++) {
    assert.equal(await placeOf(free), 'primary');
    await sleep(25);
  }
  const there = { where: lagging(place), all: lagging(ALL) };
  const replicas = [{ place: 'replica', role: 'app' }];
  assert.deepEqual(await of(held ?? assert.fail(), 'b').batch(there), { where: replicas, all: [{ tenant: 'b' }] });
  const ofUsers = PARTITIONS.slice(0, 3).map((tenant) => ({ tenant }));
  const all = [{ tenant: 'a' }, ...ofUsers];
  assert.deepEqual(await of(held ?? assert.fail(), 'a', true).batch(there), { where: replicas, all });

  // Lists of two tenants: what the replica has of each, and nothing of the other.
  const door = await openInProcess({
    database: held ?? assert.fail(),
    identify: ({ headers }) => ({ id: 'k', tenant: headers.get('x-tenant') ?? 'a' }),
  });
  t.after(() => door.close());
  const admin = new pg.Client({ connectionString: at(urls.superuser) });
  admin.on('error', () => {});
  await admin.connect();
  const model = door.model.script(says('Hello'));
  const ask = async (tenant: string, path: string, body?: object) => {
    const headers = { 'x-tenant': tenant, 'content-type': 'application/json' };
    const reply = await door.fetch(path, { headers, ...(body && { method: 'POST', body: JSON.stringify(body) }) });
    assert.equal(reply.status, 200);
    return JSON.parse(await reply.text());
  };
  const made = async (tenant: string) => (await ask(tenant, '/v1/responses', { model, input: 'Hi' })).id;
  const listed = async (tenant: string) =>
    (await ask(tenant, '/v1/responses')).data.map(({ id }: { id: string }) => id);
  const [first, second] = [await made('c'), await made('d')];
  await until(async () => (await listed('c')).length === 1 && (await listed('d')).length === 1);
  await until(async () => (await placeOf(held)) === 'replica');
  await admin.query('SELECT pg_wal_replay_pause()');
  const third = await made('c');
  assert.deepEqual([await listed('c'), await listed('d')], [[first], [second]], 'the replica is read');
  await admin.query('SELECT pg_wal_replay_resume()');
  await until(async () => (await listed('c')).length === 2);
  assert.deepEqual([await listed('c'), await listed('d')], [[third, first], [second]]);
  await admin.end();
});
