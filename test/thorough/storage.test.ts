import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import type { Item } from '../../handler/items/item.ts';
import { migrate } from '../../handler/state/database/schema.ts';
import { raw, read, sql, write } from '../../handler/state/database/sql.ts';
import { sqliteDatabase } from '../../handler/state/database/sqlite.ts';
import { insertItems } from '../../handler/state/items.ts';
import { ProcessLease } from '../../handler/state/process-lease.ts';
import { sweep } from '../../handler/state/sweep.ts';
import { openDatabase } from '../../shim/database.ts';
import { create, refuses, stream } from '../promises/ask.ts';
import { ask, conversation, stored, until } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { post, testConfig } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { newFolder } from '../support/folder.ts';
import { says, startScriptedModel } from '../support/model/scripted.ts';
import { startCommand, writeConfig } from '../support/product.ts';

const MiB = 1024 * 1024;

const FULL = { status: 507, code: 'storage_full', type: 'server_error', param: null };

test('a database as large as it may be takes nothing new, and all that needs no room goes on', async (t) => {
  const database = await testDatabase();
  if (database.system === 'postgresql')
    return t.skip('its size is measured now and then, and its files keep free room');
  const model = await startScriptedModel();
  t.after(() => model.close());
  const base = testConfig(model);
  const door = await openInProcess({ database, config: { ...base, limits: { ...base.limits, stored: MiB } } });
  t.after(() => door.close());
  const speaks = model.script(says('Hello'));
  const id = await conversation(door);
  const { id: kept } = await create(door, { model: speaks, input: 'x'.repeat(MiB) });
  const items = [{ role: 'user', content: 'Hi' }];
  await refuses(await post(door, { model: speaks, input: 'Hi' }), FULL);
  await refuses(await post(door, { model: speaks, input: 'Hi', stream: true }), FULL);
  await refuses(await post(door, { model: speaks, input: 'Hi', background: true }), FULL);
  await refuses(await ask(door, 'POST', '/v1/conversations'), FULL);
  await refuses(await ask(door, 'POST', `/v1/conversations/${id}/items`, { items }), FULL);
  assert.equal(model.calls(speaks).length, 1, 'the model is not called');
  await create(door, { model: speaks, store: false });
  await stored(door, kept);
  await ask(door, 'DELETE', `/v1/responses/${kept}`);
  await sweep(database, new ProcessLease(1_000), Date.now() + 61_000);
  await create(door, { model: speaks });
});

/** A file with 8 MiB of items in a response that has expired. */
async function filled(file: string, vacuums: boolean): Promise<void> {
  const connection = new DatabaseSync(file);
  if (!vacuums) connection.exec('PRAGMA auto_vacuum = NONE; PRAGMA journal_mode = WAL; CREATE TABLE old (x)');
  const database = sqliteDatabase(connection);
  await migrate(database);
  const items = Array.from({ length: 64 }, (_, n) => ({
    ...{ type: 'message', role: 'user', status: 'completed', id: `msg_${n}` },
    content: [{ type: 'input_text', text: 'x'.repeat(MiB / 8) }],
  })) as Item[];
  await database.batch({
    response: write(sql`INSERT INTO responses (tenant, id, owner, status, background, compacted, expires_at, body)
      VALUES ('t', 'resp', '', 'completed', 0, 0, 1, '{}')`),
    input: insertItems({ tenant: 't', owner: 'resp', kind: 'input', position: 0, items }),
  });
  await database.close();
}

test('what is removed makes a new file smaller, and an old one once it was vacuumed', async () => {
  const dir = newFolder();
  for (const vacuums of [true, false]) {
    const file = join(dir, `${vacuums}.db`);
    await filled(file, vacuums);
    assert.ok((await stat(file)).size > 8 * MiB);
    const database = await openDatabase(`sqlite:${file}`);
    await sweep(database, new ProcessLease(1_000), Date.now());
    const bytes = database.storage?.()?.bytes ?? Number.NaN;
    assert.ok(bytes < MiB, `${bytes} bytes are in use`);
    await database.close();
    const { size } = await stat(file);
    assert.ok(vacuums ? size < 5 * MiB : size > 8 * MiB, `${size}`);
  }
  const file = join(dir, 'false.db');
  const config = await writeConfig(dir, { database: `sqlite:${file}` });
  const main = new URL('../../shim/main.ts', import.meta.url).pathname;
  const run = () => promisify(execFile)(process.execPath, [main, 'vacuum', '-config', config]);

  const user = await openDatabase(`sqlite:${file}`);
  await assert.rejects(run(), /is in use: stop Antiphon first/);
  await user.close();
  const { stderr } = await run();
  assert.match(stderr, /false.db: 8\.\d MiB;.*\n.*false.db: 0\.\d MiB\n$/);
  const database = new DatabaseSync(file);
  assert.equal(database.prepare('PRAGMA auto_vacuum').get()?.auto_vacuum, 2);
  database.close();
});

/** A database of a file, whose disk is full at so many pages beyond those that it has. */
async function bounded(t: TestContext, pages: number) {
  const file = join(newFolder(), 'a.db');
  const reports: [string, boolean][] = [];
  const database = await openDatabase(`sqlite:${file}`, 'normal', (...trouble) => reports.push(trouble));
  const door = await openInProcess({ database });
  t.after(async () => {
    await door.close();
    await database.close();
  });
  const { found } = await database.batch({ found: read(sql`PRAGMA page_count`) });
  const max = raw(Number(found[0]?.page_count) + pages);
  await database.batch({ bound: write(sql`PRAGMA max_page_count = ${max}`) });
  return { file, reports, database, door };
}

test('what a full disk has no room for is refused, and all that needs none goes on, until there is room again', async (t) => {
  const { file, reports, database, door } = await bounded(t, 200);
  const model = door.model.script(says('Hello'));
  assert.equal((await stat(`${file}-reserve`)).size, 16 * MiB);
  const { id } = await create(door, { model, input: 'x'.repeat(MiB / 2) });
  await refuses(await post(door, { model, input: 'x'.repeat(MiB) }), FULL);
  assert.deepEqual(reports, [['storage', true]]);
  await assert.rejects(stat(`${file}-reserve`), /ENOENT/, 'it was given up');
  await refuses(await post(door, { model, input: 'Hi' }), FULL);
  await refuses(await ask(door, 'POST', '/v1/conversations'), FULL);
  await create(door, { model, store: false });
  await stored(door, id);
  assert.equal((await ask(door, 'DELETE', `/v1/responses/${id}`)).status, 200);
  await sweep(database, new ProcessLease(1_000), Date.now() + 61_000);
  await until(async () => (await stat(`${file}-reserve`).catch(() => undefined)) !== undefined);
  await until(() => reports.length === 2);
  assert.deepEqual(reports[1], ['storage', false]);
  await create(door, { model, input: 'x'.repeat(MiB / 2) });
});

test('a stream says that what was made could not be stored', async (t) => {
  const { door } = await bounded(t, 25);
  const { events, final } = await stream(door, { model: door.model.script(says('x'.repeat(200_000))) });
  assert.partialDeepStrictEqual(events.at(-2), { type: 'error', code: 'storage_full' });
  assert.equal(final.status, 'failed');
  assert.match(final.error?.message ?? '', /no room to store/);
  const { status, error } = await stored(door, final.id);
  assert.deepEqual({ status, error }, { status: final.status, error: final.error });
});

test('a real disk that is full is one on which things can be deleted', async (t) => {
  const dir = newFolder();
  try {
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', dir]);
  } catch {
    return t.skip('no tmpfs can be mounted here');
  }
  const file = join(dir, 'a.db');
  const reports: boolean[] = [];
  const database = await openDatabase(`sqlite:${file}`, 'normal', (_, holds) => reports.push(holds));
  const door = await openInProcess({ database });
  t.after(async () => {
    await door.close();
    await database.close();
    await promisify(execFile)('umount', [dir]);
  });
  const model = door.model.script(says('Hello'));
  const ids: string[] = [];
  for (let reply = await post(door, { model, input: 'x'.repeat(MiB) }); ; ) {
    if (reply.status !== 200) {
      await refuses(reply, FULL);
      break;
    }
    ids.push(((await reply.json()) as { id: string }).id);
    reply = await post(door, { model, input: 'x'.repeat(MiB) });
  }
  assert.ok(ids.length > 5, `${ids.length} were stored`);
  assert.deepEqual(reports, [true]);
  for (const id of ids) assert.equal((await stored(door, id)).status, 'completed', 'none is lost');
  await create(door, { model, store: false });
  for (const id of ids) assert.equal((await ask(door, 'DELETE', `/v1/responses/${id}`)).status, 200);
  await sweep(database, new ProcessLease(1_000), Date.now() + 61_000);
  await until(() => reports.length === 2);
  await create(door, { model, input: 'x'.repeat(MiB) });
});

test('a database whose file is deleted says so, and takes nothing until the file is back', async (t) => {
  const file = join(newFolder(), 'a.db');
  const reports: [string, boolean][] = [];
  const database = await openDatabase(`sqlite:${file}`, 'normal', (...trouble) => reports.push(trouble));
  const door = await openInProcess({ database, usage: false, lease: 1_000 });
  t.after(async () => {
    await door.close();
    await database.close();
  });
  const model = door.model.script(says('Hello'));
  const { id } = await create(door, { model });
  await rename(file, `${file}.away`);
  await until(() => reports.length === 1);
  assert.deepEqual(reports, [['database', true]]);
  await refuses(await post(door, { model, input: 'Hi' }), {
    status: 500,
    code: 500,
    type: 'server_error',
    param: null,
  });
  await create(door, { model, store: false });
  await rename(`${file}.away`, file);
  await until(() => reports.length === 2);
  await stored(door, id);
});

test('a product whose database is deleted is not ready until it is back', async (t) => {
  const dir = newFolder();
  const file = join(dir, 'a.db');
  const config = await writeConfig(dir, { database: `sqlite:${file}`, models: [{ match: '*', backend: 'demo' }] });
  const product = await startCommand(['-no-envoy', '-log-level', 'error', '-config', config]);
  t.after(async () => {
    product.kill('SIGKILL');
    await product.exited;
  });
  const ready = async () => {
    const reply = await fetch(`${product.http}/readyz`);
    return `${reply.status} ${await reply.text()}`;
  };
  assert.match(await ready(), /^200 /);
  await rename(file, `${file}.away`);
  await until(async () => /^503 .*database/.test(await ready()));
  assert.match(product.stdout(), /the file of the database was deleted or replaced/);
  await rename(`${file}.away`, file);
  await until(async () => /^200 /.test(await ready()));
});

test('vacuum says what it cannot do', async () => {
  const dir = newFolder();
  const main = new URL('../../shim/main.ts', import.meta.url).pathname;
  for (const [database, message] of [
    [`sqlite:${dir}/none.db`, /antiphon: there is no database at .*none.db/],
    ['sqlite::memory:', /antiphon: a database in memory ends with its process/],
  ] as const) {
    const config = await writeConfig(dir, { database });
    await assert.rejects(promisify(execFile)(process.execPath, [main, 'vacuum', '-config', config]), message);
  }
});

test('a thread writes the log back, which begins anew then; it ends with the database', async () => {
  const file = join(newFolder(), 'a.db');
  const database = await openDatabase(`sqlite:${file}`, 'normal', () => {});
  const sizeOfLog = async () => (await stat(`${file}-wal`)).size;
  const insert = (place: number, n: number, body: string) =>
    write(
      sql`INSERT INTO chunks (tenant, holder, side, place, n, body) VALUES ('t', 'h', 'log', ${place}, ${n}, ${body})`,
    );
  const body = 'x'.repeat(MiB / 4);
  for (let n = 0; n < 400; n++) {
    await database.batch({ chunk: insert(n, 0, body) });
  }
  let more = 0;
  await until(async () => {
    await database.batch({ chunk: insert(more++, 1, '') });
    return (await sizeOfLog()) < 8 * MiB;
  });
  await database.close();
  assert.ok((await stat(file)).size > 90 * MiB);
  await assert.rejects(sizeOfLog(), /ENOENT/);
});
