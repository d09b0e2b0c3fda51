import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type Config, configureLog, type Database, parseConfig } from '../handler/index.ts';
import { raw, read, sql, write } from '../handler/state/database/sql.ts';
import { testDatabase } from './support/doors/database.ts';
import { testHandler } from './support/doors/in-process.ts';
import { type ScriptedModel, says, startScriptedModel } from './support/model/scripted.ts';

const K1 = { id: 'k1', key: 'the first secret of tests, 32 bytes' };
const K2 = { id: 'k2', key: 'another secret of tests of 32 bytes' };

/** The header that says which tenant sends a request. */
const TENANT = 'x-tenant';

interface Subject {
  database: Database;
  model: ScriptedModel;
  /** A handler of another process on the same database, and what sends to it as a tenant. */
  open(config?: Partial<Config>): Promise<Asking>;
}

interface Asking {
  handler: Awaited<ReturnType<typeof testHandler>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into replies without a schema
  ask(method: string, path: string, body?: object, tenant?: string): Promise<{ status: number; json: any }>;
}

async function subject(t: TestContext): Promise<Subject> {
  const [database, model] = [await testDatabase(), await startScriptedModel()];
  const all: Asking['handler'][] = [];
  t.after(async () => {
    for (const handler of all) await handler.close();
    await model.close();
    await database.close();
  });
  return {
    database,
    model,
    async open(given = {}) {
      const config = parseConfig({
        models: [{ match: '*', backend: 'chat', url: model.url }],
        secrets: [K1],
        encryptAtRest: true,
        ...given,
      });
      const handler = await testHandler(model, {
        config,
        database,
        identify: (request) => ({ id: 'one', tenant: request.headers.get(TENANT) ?? 'a' }),
      });
      all.push(handler);
      return {
        handler,
        async ask(method, path, body, tenant = 'a') {
          const headers = { 'content-type': 'application/json', [TENANT]: tenant };
          const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
          const reply = await handler.fetch(new Request(`http://test/v1${path}`, init));
          return { status: reply.status, json: await reply.json() };
        },
      };
    },
  };
}

/** Makes a turn that says so, after another one. */
async function turn(
  { ask }: Asking,
  model: string,
  input: string,
  previous?: string,
  tenant?: string,
): Promise<string> {
  const { status, json } = await ask('POST', '/responses', { model, input, previous_response_id: previous }, tenant);
  assert.equal(status, 200, JSON.stringify(json));
  return json.id;
}

/** What the model was told last. */
function toldLast({ model }: Subject, name: string): string {
  return JSON.stringify(model.calls(name).at(-1)?.body.messages);
}

/** Collects the lines of the log. */
function logged(t: TestContext): string[] {
  const lines: string[] = [];
  configureLog('error', (line) => lines.push(line));
  t.after(() => configureLog('error', () => {}));
  return lines;
}

async function bodies(database: Database, table: string): Promise<string[]> {
  const { rows } = await database.batch({ rows: read(sql`SELECT body FROM ${raw(table)}`) });
  return rows.map(({ body }) => String(body));
}

describe('what is encrypted', () => {
  test('and what was stored before is read by whoever has the secret, on or off', async (t) => {
    const all = await subject(t);
    const name = all.model.script(says('Yes.'));
    const plain = await turn(await all.open({ encryptAtRest: false, secrets: [] }), name, 'first');
    assert.ok((await bodies(all.database, 'items')).every((body) => body.startsWith('{')));
    const encrypted = await turn(await all.open(), name, 'second', plain);
    assert.ok((await bodies(all.database, 'items')).some((body) => !body.includes('{')));
    const off = await all.open({ encryptAtRest: false });
    const last = await turn(off, name, 'third', encrypted);
    for (const word of ['first', 'second', 'third']) assert.ok(toldLast(all, name).includes(word), word);
    const { json } = await off.ask('GET', `/responses/${last}/input_items`);
    assert.match(JSON.stringify(json), /third/);
    const lists = await off.ask('GET', '/responses');
    assert.equal(lists.json.data.length, 3);
  });

  test('opens for its tenant alone, and nowhere else', async (t) => {
    const all = await subject(t);
    const lines = logged(t);
    const name = all.model.script(says('Yes.'));
    const asking = await all.open();
    const ofA = await turn(asking, name, 'of a');
    await turn(asking, name, 'of b', undefined, 'b');
    for (const table of ['responses', 'items', 'metadata'])
      await all.database.batch({ moved: write(sql`UPDATE ${raw(table)} SET tenant = 'b' WHERE tenant = 'a'`) });
    const { status, json } = await asking.ask('GET', `/responses/${ofA}`, undefined, 'b');
    assert.equal(status, 500);
    assert.match(json.error.message, /cannot be read/);
    assert.match(lines.join(), /a stored text cannot be read.*"tenant":"b".*its key is not in the database/);
    // Nor with the key of its tenant, wrapped as it is.
    await all.database.batch({ moved: write(sql`UPDATE tenant_keys SET tenant = 'b' WHERE tenant = 'a'`) });
    const other = await all.open();
    assert.equal((await other.ask('GET', `/responses/${ofA}`, undefined, 'b')).status, 500);
    assert.match(lines.at(-1) ?? '', /does not open with the secret k1/);
    assert.equal((await other.ask('GET', '/responses', undefined, 'b')).json.data.length, 1);
  });

  for (const [what, change] of Object.entries({
    changed: (body: string) => body.slice(0, -10) + (body.at(-10) === 'A' ? 'B' : 'A') + body.slice(-9),
    'cut off': (body: string) => body.slice(0, 60),
    'cut off in its first characters': (body: string) => body.slice(0, 3),
    'of a newer version': (body: string) => body.replace('1', '2'),
    'of a key that there is not': (body: string) => body.replace(/\..*?\./, '.never.'),
  })) {
    test(`and ${what}: the turn that needs it is refused, the log says why, and all else goes on`, async (t) => {
      const all = await subject(t);
      const lines = logged(t);
      const name = all.model.script(says('Yes.'));
      const asking = await all.open();
      const first = await turn(asking, name, 'first');
      const second = await turn(asking, name, 'second');
      const [body = ''] = (
        await all.database.batch({ rows: read(sql`SELECT body FROM items WHERE holder = ${first} AND side = 'input'`) })
      ).rows.map(({ body }) => String(body));
      await all.database.batch({
        changed: write(sql`UPDATE items SET body = ${change(body)} WHERE holder = ${first} AND side = 'input'`),
      });
      const other = await all.open();
      const { status, json } = await other.ask('POST', '/responses', {
        model: name,
        input: 'on',
        previous_response_id: first,
      });
      assert.equal(status, 500);
      assert.match(json.error.message, /What is stored here cannot be read/);
      assert.equal(lines.filter((line) => line.includes('a stored text cannot be read')).length, 1);
      assert.equal((await other.ask('GET', `/responses/${first}/input_items`)).status, 500);
      assert.equal((await other.ask('GET', `/responses/${first}`)).status, 200);
      await turn(other, name, 'third', second);
      assert.match(toldLast(all, name), /second/);
      await other.handler.sweep();
    });
  }
});

describe('secrets that do not open what is in the database', () => {
  test('are told at the start', async (t) => {
    const all = await subject(t);
    const asking = await all.open();
    await asking.handler.check();
    await turn(asking, all.model.script(says('Yes.')), 'first');
    await asking.handler.check();
    const told = async (config: Partial<Config>) => {
      const { handler } = await all.open(config);
      return handler.check().then(
        () => 'nothing',
        (error) => String(error.message),
      );
    };
    assert.match(await told({ secrets: [K2] }), /secrets.*lacks k1/);
    assert.match(await told({ secrets: [{ ...K2, id: 'k1' }] }), /secrets.*has another key for k1/);
    assert.match(await told({ secrets: [], encryptAtRest: false }), /secrets.*is needed/);
    assert.equal(await told({ secrets: [K2, K1] }), 'nothing');
    assert.equal(await told({ secrets: [K1], encryptAtRest: false }), 'nothing');
  });

  test('and a setting without a secret is a mistake', () => {
    const config = { models: [{ match: '*', backend: 'demo' }], encryptAtRest: true };
    assert.throws(() => parseConfig(config), /encryptAtRest.*needs one of `secrets`/);
    assert.throws(
      () => parseConfig({ ...config, secrets: [{ id: 'k', key: 'too short to seal' }] }),
      /secrets|encryptAtRest/,
    );
    assert.throws(() => parseConfig({ ...config, encryptAtRest: 'yes', secrets: [K1] }), /must be true or false/);
  });
});
