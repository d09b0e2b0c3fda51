import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { newKey } from '../handler/identity/key.ts';
import { parseConfig } from '../handler/index.ts';
import { configureLog } from '../handler/log.ts';
import { migrate } from '../handler/state/database/schema.ts';
import { read, sql } from '../handler/state/database/sql.ts';
import { sqliteDatabase } from '../handler/state/database/sqlite.ts';
import { objectRunner } from '../handler/worker/background-turn.ts';
import { until } from './promises/state-ask.ts';
import { testDatabase } from './support/doors/database.ts';
import { type Door, post } from './support/doors/door.ts';
import { type Chosen, openInProcess } from './support/doors/in-process.ts';
import { hangs, says, startScriptedModel } from './support/model/scripted.ts';
import { testTelemetry } from './support/telemetry.ts';

const identify: NonNullable<Chosen['identify']> = (request) => {
  const [tenant, user] = request.headers.get('x-who')?.split('/') ?? [];
  return { id: 'same', ...(tenant && { tenant }), ...(user && { user }) };
};

const get = (door: Door, path: string, headers: Record<string, string>) => door.fetch(path, { headers });

test('a background turn that another process takes over has its tenant and user in the log, its span and its webhook', async (t) => {
  const lines: Record<string, unknown>[] = [];
  configureLog('info', (line) => lines.push(JSON.parse(line)));
  t.after(() => configureLog('error', () => {}));
  const database = await testDatabase();
  const model = await startScriptedModel();
  t.after(() => model.close());
  const name = model.script(says('ok'));
  const config = parseConfig({
    models: [{ match: 'scripted-*', backend: 'chat', url: model.url }],
    isolation: 'user',
    webhooks: [{ url: `${model.hooksUrl}/acme`, secret: 'the secret of the hooks', tenant: 'acme' }],
  });
  // It keeps the job, and dies before it runs it.
  const runner = () => ({ start: async () => {}, stop: async () => {}, close: async () => {} });
  const first = await openInProcess({ database, config, identify, runner });
  const who = { 'x-who': 'acme/ann' };
  const { id } = (await (
    await post(first, { model: name, background: true, input: 'Hi' }, { headers: who })
  ).json()) as {
    id: string;
  };
  await first.close();
  const told = testTelemetry();
  const second = await openInProcess({ database, config, identify, telemetry: told.slot });
  t.after(() => second.close());
  await second.resume();
  await until(
    async () => model.hooks.length === 1 && lines.some(({ message }) => message === 'a webhook was delivered'),
  );
  for (const msg of ['background turn', 'a webhook was delivered']) {
    const { tenant, user } = lines.find((line) => line.message === msg) ?? {};
    assert.deepEqual([msg, tenant, user], [msg, 'acme', 'ann']);
  }
  for (const span of ['background turn', 'POST webhook']) {
    const { attributes } = told.span(span);
    assert.deepEqual([attributes['antiphon.tenant'], attributes['antiphon.user']], ['acme', 'ann'], span);
  }
  assert.equal((await get(second, `/v1/responses/${id}`, who)).status, 200);
  assert.equal((await get(second, `/v1/responses/${id}`, { 'x-who': 'acme/bob' })).status, 404);
  const refused = told.spans().filter(({ attributes }) => attributes['http.response.status_code'] === 404);
  assert.deepEqual(
    refused.map(({ attributes }) => [attributes['antiphon.tenant'], attributes['antiphon.user']]),
    [['acme', 'bob']],
  );
  const line = lines.find(({ status }) => status === 404);
  assert.deepEqual([line?.tenant, line?.user], ['acme', 'bob']);
  assert.equal(JSON.stringify(lines).includes('\\u001f'), false, 'no line has the partition');
});

test('a name in one tenant takes nothing from the same name in another, nor does a user who is called as a key is', async (t) => {
  const model = await startScriptedModel();
  t.after(() => model.close());
  const { script, begun } = hangs();
  const name = model.script(script, says('ok'));
  const made: Record<string, string> = {};
  const keys: object[] = [];
  for (const [who, entry] of Object.entries({
    a: { tenant: 'a', user: 'ann' },
    b: { tenant: 'b', user: 'ann' },
    nameless: { tenant: 'a' },
  })) {
    const { key, id, sha256 } = await newKey();
    made[who] = key;
    keys.push({ id, sha256, ...entry });
    if (who !== 'nameless') continue;
    const other = await newKey();
    made.posing = other.key;
    keys.push({ id: other.id, sha256: other.sha256, tenant: 'a', user: `key ${id}` });
  }
  const door = await openInProcess({
    config: parseConfig({
      models: [{ match: 'scripted-*', backend: 'chat', url: model.url }],
      auth: [{ keys }],
      limits: { perCaller: { turns: 1, backgroundTurns: 1 }, drain: '1ms' },
    }),
  });
  t.after(() => door.close());
  const create = async (who: string, more: object) =>
    (await post(door, { model: name, input: 'Hi', ...more }, { headers: { authorization: `Bearer ${made[who]}` } }))
      .status;
  assert.equal(await create('a', { background: true }), 200);
  await begun;
  assert.equal(await create('a', { background: true }), 429);
  for (const who of ['b', 'nameless', 'posing']) assert.equal(await create(who, { background: true }), 200, who);
});

test('a Durable Object is one turn’s, whatever its tenant and user are called', async () => {
  const names = new Set<string>();
  const runner = objectRunner({
    idFromName: (name: string) => {
      names.add(name);
      return name;
    },
    get: () => ({ fetch: async () => new Response() }),
  } as unknown as Parameters<typeof objectRunner>[0]); // only what a runner uses
  const [id, other] = [`resp_${'a'.repeat(48)}`, `resp_${'b'.repeat(48)}`];
  const tenants = [
    'a',
    'a/b',
    'a/',
    '/a',
    `a/${id}`,
    'a\u001fb',
    'a\u001fb/c',
    'a/b\u001fc',
    'webhooks',
    `a\u001f${id}`,
  ];
  for (const tenant of tenants) {
    for (const one of [id, other]) await runner.start({ tenant, id: one, caller: 'same' });
  }
  assert.equal(names.size, 2 * tenants.length);
  assert.equal(names.has('webhooks'), false, 'the object that delivers webhooks is no turn’s');
});

test('what an older schema has is of the tenant default, for callers without a tenant too, and of nobody else', async (t) => {
  const connection = new DatabaseSync(':memory:');
  connection.exec(await readFile(new URL('fixtures/database-3.sql', import.meta.url), 'utf8'));
  const database = sqliteDatabase(connection, { defer: setImmediate });
  await migrate(database);
  const rows = async (table: 'responses' | 'conversations') => {
    const { found } = await database.batch({
      found:
        table === 'responses'
          ? read(sql`SELECT id FROM responses WHERE expires_at > ${Date.now()}`)
          : read(sql`SELECT id FROM conversations`),
    });
    return found.map(({ id }) => `/v1/${table}/${id}`);
  };
  const paths = [...(await rows('responses')), ...(await rows('conversations'))];
  assert.ok(paths.length > 1);
  for (const isolation of ['tenant', 'user']) {
    const model = await startScriptedModel();
    const models = [{ match: '*', backend: 'chat', url: model.url }];
    const door = await openInProcess({ database, config: parseConfig({ models, isolation }), identify });
    t.after(async () => {
      await door.close();
      await model.close();
    });
    for (const path of paths) {
      const status = async (who: string) => (await get(door, path, { 'x-who': who })).status;
      const own = isolation === 'tenant' ? 200 : 404;
      assert.deepEqual([await status('default/ann'), await status('acme/ann')], [own, 404], `${isolation} ${path}`);
      if (isolation === 'tenant') assert.deepEqual([await status(''), await status('default')], [200, 200]);
    }
  }
});
