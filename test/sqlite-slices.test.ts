import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { read, sql, write } from '../handler/state/database/sql.ts';
import { sqliteDatabase } from '../handler/state/database/sqlite.ts';

test('what many write at once is committed in slices, between which others have their turn', async (t) => {
  const database = sqliteDatabase(new DatabaseSync(':memory:'), { defer: setImmediate });
  t.after(() => database.close());
  await database.batch({ table: write(sql`CREATE TABLE texts (body text)`) });
  const long = 'x'.repeat(1024 * 1024);
  const insert = (body: string) => database.batch({ text: write(sql`INSERT INTO texts (body) VALUES (${body})`) });
  let written = 0;
  const turns: number[] = [];
  let over = false;
  const look = () => {
    turns.push(written);
    if (!over) setImmediate(look);
  };
  setImmediate(look);
  await Promise.all(Array.from({ length: 40 }, () => insert(long).then(() => written++)));
  over = true;
  turns.push(written);
  const steps = turns.slice(1).map((count, index) => count - (turns[index] ?? 0));
  assert.ok(Math.max(...steps) <= 4, `${turns}`);
  await insert(long.repeat(8)); // one that is larger than a slice goes alone
  const { texts } = await database.batch({ texts: read(sql`SELECT count(*) AS n FROM texts`) });
  assert.equal(texts[0]?.n, 41);
  const small = Array.from({ length: 100 }, () => insert('x').then(() => written++));
  turns.length = 0;
  over = false;
  setImmediate(look);
  await Promise.all(small);
  over = true;
  assert.equal(new Set(turns).size <= 2, true, 'what is small still goes together');
});
