import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../handler/database/database.ts';
import { Owner } from '../../handler/state/owner.ts';
import { sweep } from '../../handler/state/sweep.ts';
import { testDatabase } from '../doors/database.ts';
import { openInProcess } from '../doors/in-process.ts';
import { says } from '../model/scripted.ts';
import { create } from '../promises/ask.ts';
import { ask, contents, conversation, have, heard, type List } from '../promises/state-ask.ts';

const HOUR = 3_600_000;
const MONTH = 30 * 24 * HOUR;

/** Two doors onto one database, of which one keeps responses for an hour and the other for a month. */
async function open(t: { after(fn: () => Promise<void>): void }) {
  const database = await testDatabase();
  const long = await openInProcess({ database });
  const short = await openInProcess({ database, retention: HOUR });
  t.after(async () => {
    await long.close();
    await short.close();
  });
  const at = (later: number) => sweep(database, new Owner(1_000), Date.now() + later);
  return { database, long, short, at };
}

/** How many rows each table of clients' data has. */
async function rows(database: Database): Promise<number[]> {
  const tables = ['responses', 'items', 'chunks', 'conversations'];
  const counted = await database.batch(
    tables.map((table) => ({ sql: `SELECT count(*) AS n FROM ${table}`, values: [] })),
  );
  return counted.map(([row]) => Number(row?.n));
}

test('what has expired goes leaf first, and stays while something that lives builds on it', async (t) => {
  const { database, long, short, at } = await open(t);
  const big = 'x'.repeat(200_000);
  const brief = short.model.script(says(big));
  const first = await create(short, { model: brief, input: big, instructions: big });
  const second = await create(short, { model: brief, previous_response_id: first.id });
  await create(short, { model: brief, previous_response_id: second.id, input: 'a leaf' });
  const model = long.model.script(says('ok'));
  const living = await create(long, { model, previous_response_id: second.id, input: 'living' });
  assert.deepEqual(await rows(database), [4, 8, 2 * (1 + 1 + 1 + 1 + 1), 0]);

  await at(2 * HOUR);
  assert.deepEqual((await rows(database)).slice(0, 2), [3, 6], 'the leaf has gone');
  await create(long, { model, previous_response_id: living.id, input: 'next', store: false });
  assert.deepEqual(
    heard(long, model).map((line) => line.slice(0, 20)),
    [
      'user: xxxxxxxxxxxxxx',
      'assistant: xxxxxxxxx',
      'user: Hi',
      'assistant: xxxxxxxxx',
      'user: living',
      'assistant: ok',
      'user: next',
    ],
  );

  await at(MONTH + HOUR);
  assert.deepEqual(await rows(database), [0, 0, 0, 0]);
});

test('a chain that has expired goes as a whole, however long', async (t) => {
  const { database, short, at } = await open(t);
  const model = short.model.script(says('ok'));
  let { id } = await create(short, { model });
  for (let depth = 0; depth < 250; depth++) ({ id } = await create(short, { model, previous_response_id: id }));
  await at(2 * HOUR);
  assert.deepEqual(await rows(database), [0, 0, 0, 0]);
});

test('what was deleted goes once a minute has passed, and not before', async (t) => {
  const { database, long, at } = await open(t);
  const model = long.model.script(says('ok'));
  const { id } = await create(long, { model });
  await ask(long, 'DELETE', `/v1/responses/${id}`);
  await at(0);
  assert.deepEqual(await rows(database), [1, 2, 0, 0]);
  await at(61_000);
  assert.deepEqual(await rows(database), [0, 0, 0, 0]);
});

test('a conversation keeps its items when their responses have expired', async (t) => {
  const { database, short, at } = await open(t);
  const model = short.model.script(says('x'.repeat(200_000)), says('ok'));
  const id = await conversation(short);
  await create(short, { model, conversation: id, input: 'one' });
  await at(2 * HOUR);
  assert.deepEqual(await rows(database), [0, 2, 2, 1]);
  await create(short, { model, conversation: id, input: 'two' });
  assert.deepEqual(
    heard(short, model).map((line) => line.slice(0, 12)),
    ['user: one', 'assistant: x', 'user: two'],
  );
  const { data } = await have<List>(short, 'GET', `/v1/conversations/${id}/items?order=asc`);
  for (const item of data.slice(0, 2)) await ask(short, 'DELETE', `/v1/conversations/${id}/items/${item.id}`);
  assert.deepEqual(await rows(database), [1, 2, 0, 1], 'what nobody else holds goes with its place');
  assert.deepEqual(await contents(short, id), ['user: two', 'assistant: ok']);
});

test('a deleted conversation stays while responses go on from it', async (t) => {
  const { database, long, short, at } = await open(t);
  const id = await conversation(short, { items: [{ role: 'user', content: 'added' }] });
  const model = short.model.script(says('ok'));
  const inside = await create(short, { model, conversation: id, input: 'inside' });
  const later = long.model.script(says('later'));
  const outside = await create(long, { model: later, previous_response_id: inside.id, input: 'outside' });
  await ask(short, 'DELETE', `/v1/conversations/${id}`);
  await at(2 * HOUR);
  await create(long, { model: later, previous_response_id: outside.id, input: 'on', store: false });
  assert.deepEqual(heard(long, later), [
    'user: added',
    'user: inside',
    'assistant: ok',
    'user: outside',
    'assistant: later',
    'user: on',
  ]);
  await at(MONTH + HOUR);
  assert.deepEqual(await rows(database), [0, 0, 0, 0]);
});

test('deleted conversations go some at a time, however many there are', async (t) => {
  const { database, short } = await open(t);
  for (let n = 0; n < 450; n++) await conversation(short, { items: [{ role: 'user', content: `message ${n}` }] });
  await database.batch([{ sql: 'UPDATE conversations SET deleted_at = ?', values: [Date.now()] }]);
  const removed: number[] = [];
  const counting: Database = {
    ...database,
    async batch(statements) {
      const results = await database.batch(statements);
      const at = statements.findIndex(({ sql }) => sql.startsWith('DELETE FROM conversations'));
      if (at >= 0) removed.push(results[at]?.length ?? 0);
      return results;
    },
  };
  await sweep(counting, new Owner(1_000), Date.now() + 61_000);
  assert.deepEqual(removed, [200, 200, 50, 0]);
  assert.deepEqual(await rows(database), [0, 0, 0, 0]);
});
