import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { openDatabase } from '../../shim/database.ts';
import { newFolder } from '../support/folder.ts';

const MAIN = join(import.meta.dirname, '../../shim/main.ts');

/** Far less than what is exported. */
const HEAP = '--max-old-space-size=96';

test('a tenant with 100,000 rows and a conversation of 100 MB is exported and deleted in a small heap', async (t) => {
  const folder = newFolder();
  const database = join(folder, 'a.db');
  const config = join(folder, 'a.yaml');
  await writeFile(config, JSON.stringify({ database: `sqlite:${database}` }));
  await (await openDatabase(`sqlite:${database}`)).close();
  const connection = new DatabaseSync(database);
  t.after(() => connection.close());
  const numbers = (count: number) =>
    `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${count})`;
  const id = "'resp_' || printf('%012x', 1700000000000 + n)";
  const message = (length: number) =>
    `'{"type":"message","id":"msg_' || n || '","content":"' || printf('%0${length}d', n) || '"}'`;
  connection.exec(`BEGIN;
    ${numbers(33_000)} INSERT INTO responses (tenant, id, owner, status, background, compacted, body, expires_at, listed)
      SELECT 't', ${id}, '', 'completed', 0, 0, '{"id":"' || ${id} || '","status":"completed"}', 1e15, 1 FROM n;
    ${numbers(33_000)} INSERT INTO items (tenant, holder, side, place, id, body)
      SELECT 't', ${id}, 'input', 0, 'msg_' || n, ${message(100)} FROM n;
    ${numbers(33_000)} INSERT INTO metadata (tenant, key, value, holder) SELECT 't', 'k', 'v', ${id} FROM n;
    INSERT INTO conversations (tenant, id, created_at, metadata, next_place, listed)
      VALUES ('t', 'conv_018bcfe56801', 0, '{}', 1000, 1);
    ${numbers(1_000)} INSERT INTO items (tenant, holder, side, place, id, conversation, conversation_place, body)
      SELECT 't', 'conv_018bcfe56801', 'added', n, 'msg_' || n, 'conv_018bcfe56801', n, ${message(100_000)} FROM n;
    COMMIT`);
  const run = async (...args: string[]) => {
    const child = spawn(process.execPath, [HEAP, MAIN, 'tenants', ...args, '-config', config]);
    const said = text(child.stderr);
    child.stdout.resume();
    const [code] = await once(child, 'close');
    assert.equal(code, 0, await said);
    return said;
  };
  await run('list');
  const file = join(folder, 't.jsonl');
  await run('export', 't', '-output', file);
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  assert.equal(lines.length, 33_000 + 1 + 1_000);
  for (const line of lines) JSON.parse(line);
  assert.match(await run('delete', 't', '-yes'), /33000 responses, 1 conversations, 34000 items/);
  for (const table of ['responses', 'conversations', 'items', 'metadata']) {
    assert.equal(connection.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n, 0, table);
  }
});
