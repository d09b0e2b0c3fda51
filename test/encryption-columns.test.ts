import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { migrate } from '../handler/state/database/schema.ts';
import { sqliteDatabase } from '../handler/state/database/sqlite.ts';
import { decisions } from './support/encrypted-columns.ts';

test('of each column with texts docs/encryption.md says whether it is encrypted, or why not', async () => {
  const connection = new DatabaseSync(':memory:');
  await migrate(sqliteDatabase(connection));
  const columns = connection
    .prepare(`SELECT m.name AS "table", c.name AS "column" FROM sqlite_master m JOIN pragma_table_info(m.name) c
      WHERE m.type = 'table' AND lower(c.type) NOT IN ('bigint', 'integer') ORDER BY m.name, c.name`)
    .all()
    .map(({ table, column }) => `${table}.${column}`);
  connection.close();
  const decided = decisions();
  assert.deepEqual([...decided.keys()].sort(), columns, 'the rows of the page');
  for (const [column, { encrypted, why }] of decided) assert.ok(encrypted ? why === '' : why.length >= 3, column);
});
