import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { migrate } from '../../handler/database/schema.ts';
import { sqliteDatabase } from '../../handler/database/sqlite.ts';
import type { Item } from '../../handler/protocol/items.ts';
import { insertItems } from '../../handler/state/items.ts';
import { Owner } from '../../handler/state/owner.ts';
import { sweep } from '../../handler/state/sweep.ts';
import { openDatabase } from '../../shim/database.ts';
import { testDatabase } from '../doors/database.ts';
import { post, testConfig } from '../doors/door.ts';
import { openInProcess } from '../doors/in-process.ts';
import { says, startScriptedModel } from '../model/scripted.ts';
import { writeConfig } from '../product.ts';
import { create, refuses } from '../promises/ask.ts';
import { ask, conversation, stored, until } from '../promises/state-ask.ts';

const MiB = 1024 * 1024;

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'antiphon-storage-'));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

const FULL = { status: 507, code: 'storage_full', type: 'server_error', param: null };

test('a database as large as it may be takes nothing new, and all that needs no room goes on', async (t) => {
  const database = await testDatabase();
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
  await sweep(database, new Owner(1_000), Date.now() + 61_000);
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
  await database.batch([
    {
      sql: `INSERT INTO responses (tenant, id, owner, status, background, compacted, expires_at, body)
        VALUES ('t', 'resp', '', 'completed', 0, 0, 1, '{}')`,
      values: [],
    },
    ...insertItems({ tenant: 't', holder: 'resp', side: 'input', place: 0 }, items),
  ]);
  await database.close();
}

test('what is removed makes a new file smaller, and an old one once it was vacuumed', async (t) => {
  const dir = await folder(t);
  for (const vacuums of [true, false]) {
    const file = join(dir, `${vacuums}.db`);
    await filled(file, vacuums);
    assert.ok((await stat(file)).size > 8 * MiB);
    const database = await openDatabase(`sqlite:${file}`);
    await sweep(database, new Owner(1_000), Date.now());
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

test('vacuum says what it cannot do', async (t) => {
  const dir = await folder(t);
  const main = new URL('../../shim/main.ts', import.meta.url).pathname;
  for (const [database, message] of [
    [`sqlite:${dir}/none.db`, /antiphon: there is no database at .*none.db/],
    ['sqlite::memory:', /antiphon: a database in memory ends with its process/],
  ] as const) {
    const config = await writeConfig(dir, { database });
    await assert.rejects(promisify(execFile)(process.execPath, [main, 'vacuum', '-config', config]), message);
  }
});

test('a thread writes the log back, which begins anew then; it ends with the database', async (t) => {
  const file = join(await folder(t), 'a.db');
  const database = await openDatabase(`sqlite:${file}`, 'normal', { thread: true });
  const sizeOfLog = async () => (await stat(`${file}-wal`)).size;
  const insert = 'INSERT INTO chunks (tenant, holder, side, place, n, body) VALUES (?, ?, ?, ?, ?, ?)';
  const body = 'x'.repeat(MiB / 4);
  for (let n = 0; n < 400; n++) {
    await database.batch([{ sql: insert, values: ['t', 'h', 'log', n, 0, body] }]);
  }
  await until(async () => {
    await database.batch([{ sql: 'DELETE FROM chunks WHERE place = ?', values: [0] }]);
    return (await sizeOfLog()) < 8 * MiB;
  });
  await database.close();
  assert.ok((await stat(file)).size > 90 * MiB);
  await assert.rejects(sizeOfLog(), /ENOENT/);
});
