import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { TenantBytes } from '../../handler/allowances/stored-bytes.ts';
import { parseConfig } from '../../handler/index.ts';
import { configureLog } from '../../handler/log.ts';
import type { Database } from '../../handler/state/database/database.ts';
import { read, sql, write } from '../../handler/state/database/sql.ts';
import { ProcessLease } from '../../handler/state/process-lease.ts';
import { sweep } from '../../handler/state/sweep.ts';
import { tenantTables } from '../../handler/state/tenants.ts';
import { refuses } from '../promises/ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';

const MiB = 1024 * 1024;
const FULL = { status: 507, code: 'storage_full', message: /`storedBytes` of `tenants`/ };

/** A process on a database, in which `small` may store a MiB; a header says whose a request is. */
async function open(t: TestContext, database: Database, model: ScriptedModel, storedBytes = '1MiB') {
  const tenants = { small: { limits: { storedBytes } }, '*': { limits: { storedBytes: 'unlimited' } } };
  const config = parseConfig({
    ...testConfigFile(model),
    auth: [{ envoy: { headers: { tenant: 'x-tenant' } } }],
    usage: false,
    tenants,
  });
  const { auth: _, ...rest } = config;
  const identify = (request: Request) => ({ id: 'a', tenant: request.headers.get('x-tenant') ?? '' });
  const handler = await testHandler(model, { config: rest, database, identify });
  t.after(() => handler.close());
  const name = model.script(says('Hello'));
  const ask = (tenant: string, method: string, path: string, body?: object) =>
    handler.fetch(
      new Request(`http://x/v1/${path}`, {
        method,
        headers: { 'x-tenant': tenant, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      }),
    );
  const create = (tenant: string, body: object = {}) =>
    ask(tenant, 'POST', 'responses', { model: name, input: 'x'.repeat(200_000), ...body });
  /** Fills `small` up, and gives the ids of what it has. */
  const fill = async () => {
    const ids: string[] = [];
    for (;;) {
      const reply = await create('small');
      if (reply.status !== 200) {
        await refuses(reply, FULL);
        return ids;
      }
      ids.push(((await reply.json()) as { id: string }).id);
      assert.ok(ids.length < 10, 'it is full in the end');
    }
  };
  const limit = (tenant: string) => (tenant === 'small' ? MiB : undefined);
  const sweepAt = (later: number) =>
    sweep(database, new ProcessLease(1_000), Date.now() + later, { storedBytes: new TenantBytes(database, limit) });
  return { ask, create, fill, sweepAt };
}

async function start(t: TestContext) {
  const database = await testDatabase();
  const model = await startScriptedModel();
  t.after(async () => {
    await model.close();
    await database.close();
  });
  return { database, model };
}

const MINUTES = 60_000;

test('a tenant that has as much stored as it may gets a 507 for all that would be stored, and nobody else does', async (t) => {
  const { database, model } = await start(t);
  const { ask, create, fill } = await open(t, database, model);
  const conversation = (await (await ask('small', 'POST', 'conversations', {})).json()) as { id: string };
  assert.equal((await fill()).length, 6); // the sixth is the first that goes above it
  for (const body of [{ stream: true }, { background: true }, { input: 'Hi' }])
    await refuses(await create('small', body), FULL);
  const items = [{ role: 'user', content: 'Hi' }];
  await refuses(await ask('small', 'POST', 'conversations', { items }), FULL);
  await refuses(await ask('small', 'POST', `conversations/${conversation.id}/items`, { items }), FULL);
  assert.equal((await create('small', { store: false })).status, 200);
  assert.equal((await ask('small', 'GET', 'responses')).status, 200);
  for (let n = 0; n < 6; n++) assert.equal((await create('large')).status, 200);
  assert.equal((await create('small2')).status, 200);
});

test('another process knows what a tenant has, whether it was added up or not', async (t) => {
  const { database, model } = await start(t);
  const first = await open(t, database, model);
  await first.fill();
  await refuses(await (await open(t, database, model)).create('small'), FULL);
  await first.sweepAt(0);
  await refuses(await (await open(t, database, model)).create('small'), FULL);
  const { rows } = await database.batch({ rows: read(sql`SELECT tenant, bytes FROM stored_bytes`) });
  assert.equal(rows.length, 1);
  assert.ok(Number(rows[0]?.bytes) >= MiB * 0.9 && Number(rows[0]?.bytes) < MiB * 1.3, `${rows[0]?.bytes}`);
});

test('to delete makes room, once the sweep has removed it', async (t) => {
  const { database, model } = await start(t);
  const { ask, fill, sweepAt } = await open(t, database, model);
  const ids = await fill();
  await sweepAt(0);
  for (const id of ids) assert.equal((await ask('small', 'DELETE', `responses/${id}`)).status, 200);
  await sweepAt(3 * MINUTES); // it removes
  await sweepAt(6 * MINUTES); // it measures, if the one before measured first
  const later = await open(t, database, model);
  assert.equal((await later.create('small')).status, 200);
});

test('what was stored before there was a limit counts once it was measured', async (t) => {
  const { database, model } = await start(t);
  const before = await open(t, database, model, '1TiB');
  for (let n = 0; n < 6; n++) assert.equal((await before.create('small')).status, 200);
  await database.batch({ forgotten: { kind: 'write', text: 'DELETE FROM stored_bytes', values: [] } });
  await database.batch({ forgotten: { kind: 'write', text: 'DELETE FROM charges', values: [] } });
  const after = await open(t, database, model);
  assert.equal((await after.create('small', { input: 'Hi' })).status, 200);
  await after.sweepAt(0);
  await refuses(await (await open(t, database, model)).create('small'), FULL);
});

test('items that are added to conversations count as well', async (t) => {
  const { database, model } = await start(t);
  const { ask } = await open(t, database, model);
  const { id } = (await (await ask('small', 'POST', 'conversations', {})).json()) as { id: string };
  const items = [{ role: 'user', content: 'x'.repeat(200_000) }];
  let n = 0;
  for (; n < 10; n++) {
    const reply = await ask('small', 'POST', `conversations/${id}/items`, { items });
    if (reply.status !== 200) break;
    await reply.text();
  }
  assert.equal(n, 6);
  await refuses(await (await open(t, database, model)).create('small'), FULL);
});

test('a limit is a size, and of tenants alone', () => {
  const problems = (tenants: object) => {
    try {
      parseConfig({ tenants, auth: [{ envoy: { headers: { tenant: 'x-tenant' } } }] });
      return '';
    } catch (error) {
      return String(error);
    }
  };
  assert.match(problems({ a: { limits: { storedBytes: 5 } } }), /tenants\.a\.limits\.storedBytes .*such as 50GiB/);
  assert.match(problems({ a: { limits: { storedBytes: '5' } } }), /such as 50GiB/);
  assert.match(problems({ a: { perUser: { limits: { storedBytes: '5GiB' } } } }), /storedBytes/);
  assert.equal(problems({ a: { limits: { storedBytes: 'unlimited' } } }), '');
});

test('a measurement that takes more slices than it may is given up, told, and leaves what turns have added', async (t) => {
  const lines: Record<string, unknown>[] = [];
  configureLog('warn', (line) => lines.push(JSON.parse(line)));
  t.after(() => configureLog('error', () => {}));
  const database = await testDatabase();
  t.after(() => database.close());
  await database.batch({
    row: write(sql`INSERT INTO stored_bytes (tenant, bytes, measure_at) VALUES ('small', 77, 0)`),
    keys: Array.from({ length: 2_100 }, (_, n) =>
      write(sql`INSERT INTO idempotency (tenant, key, hash, response) VALUES ('small', ${`k${n}`}, 'h', 'r')`),
    ),
  });
  const bytes = async () => {
    const { rows } = await database.batch({ rows: read(sql`SELECT bytes, measure_at FROM stored_bytes`) });
    return rows.map(({ bytes, measure_at }) => [Number(bytes), Number(measure_at)]);
  };
  const now = Date.now();
  const tables = tenantTables.length;
  await new TenantBytes(database, () => MiB, tables).measure(now);
  assert.deepEqual(await bytes(), [[77, now + 86_400_000]]);
  assert.deepEqual(
    lines.map(({ message, tenant }) => [message, tenant]),
    [['a tenant has too many rows to be measured here: what it deletes makes no room', 'small']],
  );
  await new TenantBytes(database, () => MiB, tables + 1).measure(now + 86_400_000);
  assert.equal((await bytes())[0]?.[0], 2_100);
});
