import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import pg from 'pg';
import { migrate, migrations } from '../../handler/state/database/schema.ts';
import { sqliteDatabase } from '../../handler/state/database/sqlite.ts';
import { migrateCommand } from '../../shim/migrate.ts';
import { connectPostgres } from '../support/databases/postgres.ts';
import { asRole } from '../support/databases/postgres-roles.ts';
import { newFolder } from '../support/folder.ts';
import { startPostgres } from '../support/postgres-server.ts';

const MAIN = join(import.meta.dirname, '../../shim/main.ts');

const server = await startPostgres();
after(() => server.stop());

/** `migrate` on a database: what it prints and says, and its exit code. */
async function open(database: unknown) {
  const file = join(newFolder(), 'a.yaml');
  await writeFile(file, JSON.stringify({ database, models: [{ match: 'demo', backend: 'demo' }] }));
  const run = async (check: boolean) => {
    const printed: string[] = [];
    const said: string[] = [];
    const output = { print: (text: string) => printed.push(text), say: (text: string) => said.push(text) };
    const code = await migrateCommand({ config: file, check }, {}, output);
    return { code, printed: printed.join('\n'), said: said.join('\n') };
  };
  return { file, run };
}

test('migrate -check prints what migrate would do, and changes nothing', async () => {
  const path = join(newFolder(), 'a.db');
  for (const url of [await server.newDatabase(), `sqlite:${path}`]) {
    const { run } = await open(url);
    for (let times = 0; times < 2; times++) {
      const { code, printed, said } = await run(true);
      assert.equal(code, 2);
      assert.match(printed, /^CREATE TABLE owners \(id text/);
      assert.match(said, /not the newest: \d+ statements bring it there/);
      assert.ok(!existsSync(path));
    }
    assert.deepEqual(await run(false), { code: 0, printed: '', said: 'The schema is the newest now.' });
    for (const check of [true, false])
      assert.deepEqual(await run(check), { code: 0, printed: '', said: 'The schema is the newest.' });
  }
});

test('migrate -check has the statements of the versions that are missing alone, as a person can run them', async () => {
  const path = join(newFolder(), 'a.db');
  const older = sqliteDatabase(new DatabaseSync(path));
  await migrate(older, migrations.length - 1);
  await older.close();
  const { run } = await open(`sqlite:${path}`);
  const { code, printed } = await run(true);
  assert.equal(code, 2);
  assert.doesNotMatch(printed, /CREATE TABLE owners/);
  const connection = new DatabaseSync(path);
  connection.exec(printed);
  connection.close();
});

test('several processes migrate an empty database at once: each ends well', async () => {
  const url = await server.newDatabase();
  const { file } = await open(url);
  const runs = Array.from({ length: 4 }, () =>
    promisify(execFile)(process.execPath, [MAIN, 'migrate', '-config', file]),
  );
  for (const { stderr } of await Promise.all(runs)) assert.match(stderr, /The schema is the newest/);
  const database = connectPostgres(url, 1);
  await migrate(database); // nothing is left
  await database.close();
});

test('a database of a newer program, one in memory, and what is none', async () => {
  const path = join(newFolder(), 'a.db');
  const connection = new DatabaseSync(path);
  const newer = sqliteDatabase(connection);
  await migrate(newer);
  connection.exec(`INSERT INTO migrations (version) VALUES (${migrations.length + 1})`);
  await newer.close();
  for (const check of [true, false]) {
    await assert.rejects(
      (await open(`sqlite:${path}`)).run(check),
      /of schema version \d+, and this program knows \d+/,
    );
    await assert.rejects((await open('sqlite::memory:')).run(check), /in memory/);
    await assert.rejects((await open('mysql://a')).run(check), /must be sqlite:PATH/);
  }
  await writeFile(path, 'x'.repeat(10_000));
  for (const check of [true, false])
    await assert.rejects((await open(`sqlite:${path}`)).run(check), /a\.db: file is not a database/);
});

test('a role that may not change the schema starts where that is the newest, else the error says what to run', async () => {
  const url = await server.newDatabase();
  const admin = new pg.Client(url);
  await admin.connect();
  await admin.query(`CREATE ROLE reader LOGIN`);
  const its = asRole(url, 'reader');
  const { run } = await open(its);
  await assert.rejects(run(false), /brought up to date, and its role may not do that: run antiphon migrate with one/);
  const database = connectPostgres(url, 1);
  await migrate(database);
  await database.close();
  await assert.rejects(run(false), /permission denied for table migrations/);
  await admin.query('GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader');
  assert.deepEqual(await run(false), { code: 0, printed: '', said: 'The schema is the newest.' });
  await admin.end();
  const { run: runBoth } = await open({
    url: its,
    admin: url,
  });
  assert.match((await runBoth(true)).printed, /\nDROP POLICY IF EXISTS of_tenant ON "allowances";\nCREATE POLICY/);
  for (const said of ['The schema is the newest now.', 'The schema is the newest.'])
    assert.equal((await runBoth(false)).said, said);
});
