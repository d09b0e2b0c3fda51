import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { newKey } from '../../handler/identity/key.ts';
import { migrate } from '../../handler/state/database/schema.ts';
import { sqliteDatabase } from '../../handler/state/database/sqlite.ts';
import { tenantTables } from '../../handler/state/tenants.ts';
import { startProduct } from '../../shim/product.ts';
import { tenants } from '../../shim/tenants.ts';
import { readTenantsFlags } from '../../shim/tenants-flags.ts';
import { newFolder } from '../support/folder.ts';
import { hangs, says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';

const MAIN = join(import.meta.dirname, '../../shim/main.ts');
const US = '\u001f';

/** Whoever calls here: two users of one tenant, and one of another whose name begins with that of the first. */
const callers = {
  alice: { tenant: 'acme', user: 'alice' },
  bob: { tenant: 'acme', user: 'bob' },
  other: { tenant: 'acme2', user: 'alice' },
};
type Who = keyof typeof callers;

/** A product on a database in a file, and `tenants` on it. */
async function open(t: TestContext) {
  const model = await startScriptedModel();
  const port = await freePort();
  const folder = newFolder();
  const keys: Partial<Record<Who, string>> = {};
  const entries: object[] = [];
  for (const [name, caller] of Object.entries(callers)) {
    const { key, id, sha256 } = await newKey();
    keys[name as Who] = key; // a name of the list
    entries.push({ id, sha256, ...caller });
  }
  const config = {
    listen: { grpc: 'off', http: `127.0.0.1:${port}`, envoy: 'off', admin: 'off' },
    models: [{ match: '*', backend: 'chat', url: model.url }],
    database: `sqlite:${join(folder, 'a.db')}`,
    auth: [{ keys: entries }],
    isolation: 'user',
    limits: { lease: '1s' },
  };
  const file = join(folder, 'a.yaml');
  await writeFile(file, JSON.stringify(config));
  const product = await startProduct({ flags: { config: file }, env: {}, say() {} });
  const database = new DatabaseSync(join(folder, 'a.db'));
  t.after(async () => {
    await product.stop();
    await model.close();
    database.close();
  });
  const send = async (who: Who, path: string, body?: object, isStream = false) => {
    const headers = { 'x-api-key': keys[who] ?? '', 'content-type': 'application/json' };
    const init = body ? { method: 'POST', headers, body: JSON.stringify(body) } : { headers };
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, init);
    if (isStream) return { status: reply.status, text: await reply.text(), json: { id: '', status: '', data: [] } };
    const json = (await reply.json()) as { id: string; status: string; data: unknown[] };
    return { status: reply.status, text: '', json };
  };
  const hearing = { onSay(_line: string) {} };
  const run = async (...args: string[]) => {
    const printed: string[] = [];
    const said: string[] = [];
    const say = (line: string) => {
      said.push(line);
      hearing.onSay(line);
    };
    const output = { print: (line: string) => printed.push(line), say };
    await tenants([...args, '-config', file], {}, output);
    return { printed: printed.join('\n'), said: said.join('\n') };
  };
  return { model, folder, file, database, send, run, hearing };
}

const TENANT_TABLES = `SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
  WHERE m.type = 'table' AND c.name = 'tenant' ORDER BY m.name`;

/** How many rows each table has of tenants whose name fits. */
function rowsOf(database: DatabaseSync, like: string): Record<string, number> {
  const tables = database.prepare(TENANT_TABLES).all();
  return Object.fromEntries(
    tables.map(({ name }) => {
      const count = database.prepare(`SELECT count(*) AS n FROM ${name} WHERE tenant LIKE ?`).get(like);
      return [String(name), Number(count?.n)];
    }),
  );
}

/** Rows of a tenant that were made one after another. */
function fill(database: DatabaseSync, tenant: string, count: number): void {
  const numbers = `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${count})`;
  const id = (prefix: string) => `'${prefix}_' || printf('%012x', 1700000000000 + n) || '${tenant.replace(/\W/g, '')}'`;
  database.exec(`BEGIN;
    ${numbers} INSERT INTO responses (tenant, id, owner, status, background, compacted, body, expires_at, listed)
      SELECT '${tenant}', ${id('resp')}, '', 'completed', 0, 0, '{"id":"' || ${id('resp')} || '","status":"completed"}', 1e15, 1 FROM n;
    ${numbers} INSERT INTO items (tenant, holder, side, place, id, body)
      SELECT '${tenant}', ${id('resp')}, 'input', 0, 'msg_' || n, '{"type":"message","id":"msg_' || n || '"}' FROM n;
    ${numbers} INSERT INTO metadata (tenant, key, value, holder) SELECT '${tenant}', 'k', 'v', ${id('resp')} FROM n;
    COMMIT`);
}

test('a tenant is listed, exported and deleted beside a server that makes turns of it, and nothing of it remains', async (t) => {
  const { model, folder, database, send, run, hearing } = await open(t);
  fill(database, `acme${US}alice`, 3_000);
  fill(database, 'acme', 500);
  fill(database, 'acme2', 1_000);
  const answers = model.script(says('Hello'));
  const metadata = { k: 'v' };
  for (const who of ['alice', 'bob', 'other'] as const) {
    const items = Array.from({ length: 20 }, (_, n) => ({ role: 'user', content: `${n}` }));
    const { json } = await send(who, '/v1/conversations', { metadata, items });
    const big = 'x'.repeat(200_000);
    await send(who, '/v1/responses', { model: answers, input: big, conversation: json.id, metadata });
    await send(who, '/v1/responses', { model: answers, input: 'Hi', background: true });
  }
  database.exec(`INSERT INTO keys (id, sha256, tenant, expires_at, created_at)
    VALUES ('k1', 'x', 'acme', 1e15, 0), ('k2', 'x', 'acme2', 1e15, 0)`);
  const { script, begun } = hangs('Hel');
  const { json: running } = await send('bob', '/v1/responses', {
    model: model.script(script),
    input: 'Hi',
    background: true,
  });
  await begun;
  const [, alices, bobs] = rowsOfList((await run('list')).printed);
  assert.deepEqual(
    [alices?.slice(0, 5), alices?.at(-1)],
    [['2', '3505', '2', String(3_500 + itemsOf(2)), '1'], 'acme'],
  );
  assert.deepEqual([bobs?.slice(0, 3), bobs?.at(-1)], [['1', '1002', '1'], 'acme2']);

  const file = join(folder, 'acme.jsonl');
  const exported = await run('export', 'acme', '-output', file);
  const lines = (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.match(exported.said, new RegExp(`^${lines.length} lines`));
  assert.equal(lines.filter(({ response }) => response).length, 3_505);
  assert.equal(lines.filter(({ conversation }) => conversation).length, 2);
  assert.deepEqual(
    new Set(lines.map(({ tenant, user }) => `${tenant} ${user}`)),
    new Set(['acme undefined', 'acme alice', 'acme bob']),
  );
  const whole = lines.find(({ response, user }) => response?.conversation && user === 'bob');
  assert.deepEqual(
    [whole.response.output[0].content[0].text, whole.input[0].content[0].text.length],
    ['Hello', 200_000],
  );
  const items = lines.filter(({ item, user }) => item && user === 'bob');
  assert.deepEqual([items.length, items[0].item.content[0].text], [22, '0']);
  await assert.rejects(run('export', 'acme', '-output', file), /EEXIST/);

  const before = rowsOf(database, 'acme2%');
  const slow = longTurn();
  const waiting = send('alice', '/v1/responses', { model: model.script(slow.script), input: 'Hi', stream: true }, true);
  await slow.begun;
  // A turn that a client waits for ends only once the command says that it waits too.
  hearing.onSay = (line) => {
    if (line.startsWith('waiting')) slow.release();
  };
  const { said } = await run('delete', 'acme', '-yes');
  slow.release();
  assert.match((await waiting).text, /response.completed/);
  assert.match(said, /1 background turns were cancelled/);
  assert.match(said, /deleted of the tenant acme: 350\d responses, 2 conversations, \d+ items, 1 keys/);
  assert.equal((await send('bob', `/v1/responses/${running.id}`)).status, 404);
  for (const like of ['acme', `acme${US}%`]) {
    const rows = rowsOf(database, like);
    assert.deepEqual(
      Object.entries(rows).filter(([, n]) => n > 0),
      [],
      like,
    );
  }
  assert.deepEqual(rowsOf(database, 'acme2%'), before);
  await assert.rejects(run('delete', 'acme', '-yes'), /there is nothing of a tenant acme: tenants list/);
  await assert.rejects(run('export', 'nobody'), /there is nothing of a tenant nobody/);
});

/** The items of so many callers: those of a conversation, a turn in it, and one in the background; one more is running. */
const itemsOf = (count: number) => count * (20 + 2 + 2) + 1;

/** A turn that ends once it is released. */
function longTurn() {
  const begun = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const script: Parameters<Awaited<ReturnType<typeof startScriptedModel>>['script']>[0] = async (turn) => {
    await turn.text('Hel');
    begun.resolve();
    await released.promise;
    await turn.finish();
  };
  return { script, begun: begun.promise, release: () => released.resolve() };
}

function rowsOfList(printed: string): string[][] {
  return printed.split('\n').map((line) => line.trim().split(/\s+/));
}

test('whatever table has a tenant is among those that are counted and removed', async (t) => {
  const connection = new DatabaseSync(':memory:');
  const database = sqliteDatabase(connection);
  t.after(() => database.close());
  await migrate(database);
  const tables = connection.prepare(TENANT_TABLES).all();
  assert.deepEqual(
    tables.map(({ name }) => name),
    tenantTables.map(({ name }) => name).sort(),
  );
});

describe('tenants delete asks before it deletes', () => {
  for (const [typed, goes] of [
    ['acme\n', true],
    ['acm\n', false],
    ['', false],
  ] as const) {
    test(JSON.stringify(typed), async (t) => {
      const { file, database } = await open(t);
      fill(database, 'acme', 10);
      const child = spawn(process.execPath, [MAIN, 'tenants', 'delete', 'acme', '-config', file]);
      child.stdin.end(typed);
      const said = text(child.stderr);
      const [code] = await once(child, 'close');
      assert.equal(code, goes ? 0 : 1, await said);
      assert.equal(rowsOf(database, 'acme').responses, goes ? 0 : 10);
      if (!goes) assert.match(await said, /nothing was deleted/);
    });
  }
});

test('a wrong argument of tenants is an Error that says what is wrong', () => {
  for (const [line, wrong] of [
    ['', 'tenants needs one of list, export, delete, shred, rotate (see tenants -help)'],
    [
      'lsit',
      `"lsit" is none of tenants' one of list, export, delete, shred, rotate: did you mean list? (see tenants -help)`,
    ],
    ['export', 'tenants export needs the name of a tenant, as tenants list has it'],
    ['delete a b', 'unexpected argument "b" (see tenants -help)'],
    ['list a', 'unexpected argument "a" (see tenants -help)'],
    ['export a -yes', 'flag -yes is not for tenants export (see tenants -help)'],
    ['delete a -ys', 'unknown flag -ys: did you mean -yes? (see tenants -help)'],
    ['delete a -yes=no', 'flag -yes takes no value'],
    ['export a -output', 'flag -output needs a value'],
  ] as const) {
    assert.throws(() => readTenantsFlags(line === '' ? [] : line.split(' ')), { message: wrong });
  }
});
