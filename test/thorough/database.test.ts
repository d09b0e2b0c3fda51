import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { sqliteDatabase } from '../../handler/database/sqlite.ts';
import { databaseContract } from '../database-contract.ts';

databaseContract('sqlite in memory', async () => {
  const database = sqliteDatabase(new DatabaseSync(':memory:'));
  return { database, close: () => database.close() };
});

databaseContract('sqlite in a file', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'antiphon-database-'));
  const open = () => sqliteDatabase(new DatabaseSync(join(dir, 'a.db')), { synchronous: 'full', defer: setImmediate });
  const database = open();
  const another = open();
  return {
    database,
    another,
    async close() {
      await database.close();
      await another.close();
      await rm(dir, { recursive: true });
    },
  };
});

test('sqlite in a file: writes ahead, and waits for the disk as it is told', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'antiphon-database-'));
  for (const [synchronous, level] of [
    ['normal', 1],
    ['full', 2],
  ] as const) {
    const connection = new DatabaseSync(join(dir, `${synchronous}.db`));
    sqliteDatabase(connection, { synchronous });
    assert.equal(connection.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal');
    assert.equal(connection.prepare('PRAGMA synchronous').get()?.synchronous, level);
    connection.close();
  }
  await rm(dir, { recursive: true });
});
