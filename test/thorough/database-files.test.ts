import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { openDatabase } from '../../shim/database.ts';
import { newFolder } from '../support/folder.ts';

/** A folder that all may read, under a umask that takes nothing away. */
function openFolder(t: TestContext): string {
  const dir = newFolder();
  chmodSync(dir, 0o755);
  const before = process.umask(0);
  t.after(() => {
    process.umask(before);
  });
  return dir;
}

/** The modes of all files in a folder, by their names. */
function modes(dir: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(dir).map((name) => [name, (statSync(join(dir, name)).mode & 0o777).toString(8)]),
  );
}

test('the files of a new database are for their owner only, whatever the umask', async (t) => {
  const dir = openFolder(t);
  const database = await openDatabase(`sqlite:${join(dir, 'a.db')}`);
  t.after(() => database.close());
  assert.deepEqual(modes(dir), { 'a.db': '600', 'a.db-shm': '600', 'a.db-wal': '600' });
});

test('so are those of one that was readable before, in use and through a link as well', async (t) => {
  const dir = openFolder(t);
  const other = new DatabaseSync(join(dir, 'a.db'));
  t.after(() => other.close());
  other.exec('PRAGMA journal_mode = wal; CREATE TABLE words (word TEXT)');
  assert.deepEqual(modes(dir), { 'a.db': '644', 'a.db-shm': '644', 'a.db-wal': '644' });
  symlinkSync(join(dir, 'a.db'), join(dir, 'link.db'));
  const database = await openDatabase(`sqlite:${join(dir, 'link.db')}`);
  t.after(() => database.close());
  const { 'link.db': _link, ...files } = modes(dir);
  assert.deepEqual(files, { 'a.db': '600', 'a.db-shm': '600', 'a.db-wal': '600' });
});

test('a database in memory makes no file', async (t) => {
  const database = await openDatabase('sqlite::memory:');
  t.after(() => database.close());
  assert.ok(!existsSync(':memory:'));
});
