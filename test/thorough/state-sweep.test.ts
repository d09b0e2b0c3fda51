import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Item } from '../../handler/items/item.ts';
import { statementsOf } from '../../handler/state/database/batch.ts';
import type { Database } from '../../handler/state/database/database.ts';
import { raw, read, sql, write } from '../../handler/state/database/sql.ts';
import { insertItems } from '../../handler/state/items.ts';
import { ProcessLease } from '../../handler/state/process-lease.ts';
import { sweep } from '../../handler/state/sweep.ts';
import { create } from '../promises/ask.ts';
import { ask, begin, contents, conversation, have, type List, longReply, modelInput } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { says } from '../support/model/scripted.ts';

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
  const at = (later: number) => sweep(database, new ProcessLease(1_000), Date.now() + later);
  return { database, long, short, at };
}

/** How many rows each table of clients' data has. */
async function rows(database: Database): Promise<number[]> {
  const tables = ['responses', 'items', 'chunks', 'conversations'];
  const counts = tables.map((table) => read(sql`SELECT count(*) AS n FROM ${raw(table)}`));
  return (await database.batch({ counts })).counts.map(({ n }) => Number(n));
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
    modelInput(long, model).map((line) => line.slice(0, 20)),
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
    modelInput(short, model).map((line) => line.slice(0, 12)),
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
  assert.deepEqual(modelInput(long, later), [
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

/** Rows that a transaction has changed so far. */
const CHANGES_OF_POSTGRES = sql`SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) AS n FROM pg_stat_xact_user_tables`;

/** A database, and the rows that each of its batches looks at and removes. */
function watched(whole: Database) {
  const slices: { looked: number; removed: number }[] = [];
  const database: Database = {
    ...whole,
    async batch(statements) {
      const changes = read(whole.system === 'postgresql' ? CHANGES_OF_POSTGRES : sql`SELECT total_changes() AS n`);
      const rows = await whole.batch({ before: changes, ...statements, after: changes });
      const looked = Object.values(rows)[1]?.length ?? 0;
      slices.push({ looked, removed: Number(rows.after[0]?.n) - Number(rows.before[0]?.n) });
      return rows;
    },
  };
  return { slices, database };
}

const insertResponses = (count: number) =>
  write(sql`WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${count})
    INSERT INTO responses (tenant, id, owner, status, background, compacted, body, expires_at, listed)
    SELECT 't', 'resp_' || n, '', 'completed', 0, 0, '{}', n, 1 FROM n`);

test('what has expired goes in slices of few rows, and a timer that is due fires between any two', async () => {
  const { database, slices } = watched(await testDatabase());
  await database.batch({ responses: insertResponses(1_000) });
  slices.length = 0;
  let ended = false;
  let fired = 0;
  let first = 0;
  const tick = () => {
    fired++;
    if (!ended) setTimeout(tick, 0);
  };
  setTimeout(tick, 0);
  const batch = database.batch;
  database.batch = (statements) => {
    const looks = statementsOf(statements)[0]?.text.includes('r.expires_at <');
    if (looks) {
      assert.ok(first === 0 || fired > first, 'a timer has fired since the last slice');
      first = fired;
    }
    return batch(statements);
  };
  await sweep(database, new ProcessLease(1_000), Date.now());
  ended = true;
  assert.deepEqual((await rows(database))[0], 0);
  for (const { looked, removed } of slices) assert.ok(looked <= 40 && removed <= 80, `${looked}, ${removed}`);
  assert.equal(slices.filter(({ removed }) => removed > 0).length, 25);
});

test('a sweep that may make so many slices makes no more', async () => {
  const { database, slices } = watched(await testDatabase());
  await database.batch({ responses: insertResponses(200) });
  slices.length = 0;
  await sweep(database, new ProcessLease(1_000), Date.now(), { maxSlices: 3 });
  assert.equal(slices.filter(({ removed }) => removed > 0).length, 1, 'one of each kind');
});

test('kinds of which nothing has expired take no slices from one of which much has', async () => {
  const { database, slices } = watched(await testDatabase());
  await database.batch({ responses: insertResponses(1_000) });
  slices.length = 0;
  await sweep(database, new ProcessLease(1_000), Date.now(), { maxSlices: 20 });
  const removing = slices.filter(({ removed }) => removed > 0).length;
  assert.ok(removing >= 10, `${removing} of 20`);
});

test('what waits for others to go is looked at once, and goes with the last of them', async () => {
  const { database, slices } = watched(await testDatabase());
  // A hundred chains of which the first response has expired, and the one that lives has not.
  await database.batch({
    responses: insertResponses(100),
    children:
      write(sql`INSERT INTO responses (tenant, id, parent, owner, status, background, compacted, body, expires_at, listed)
      SELECT tenant, id || '_child', id, '', 'completed', 0, 0, '{}', ${Date.now() + HOUR}, 1 FROM responses`),
  });
  const looks = async (later = 0) => {
    slices.length = 0;
    await sweep(database, new ProcessLease(1_000), Date.now() + later);
    return slices.filter(({ looked }) => looked > 0).length;
  };
  assert.equal(await looks(), 3);
  assert.equal(await looks(), 0, 'they are not looked at again');
  assert.deepEqual((await rows(database))[0], 200);
  await looks(2 * HOUR);
  assert.deepEqual((await rows(database))[0], 0);
});

test('a response that is deleted while it is made goes when it has ended', async (t) => {
  const { database, long, at } = await open(t);
  const { script, release } = longReply('Hel');
  const { id, whole } = await begin(long, { model: long.model.script(script) });
  await ask(long, 'DELETE', `/v1/responses/${id}`);
  await at(61_000);
  assert.equal((await rows(database))[0], 1);
  release();
  await whole;
  await at(61_000);
  assert.deepEqual(await rows(database), [0, 0, 0, 0]);
});

for (const [what, count, size] of [
  ['many items', 2_000, 10],
  ['large items', 60, 160_000],
  ['items in pieces', 10, 700_000],
] as const) {
  test(`a response of ${what}, and a conversation of them, go some items at a time`, async () => {
    const { database, slices } = watched(await testDatabase());
    const at = { tenant: 't', kind: 'input', position: 0 } as const;
    const items = Array.from({ length: count }, (_, n) => ({
      ...{ type: 'message', role: 'user', status: 'completed', id: `msg_${n}` },
      content: [{ type: 'input_text', text: 'x'.repeat(size) }],
    })) as Item[];
    await database.batch({
      response: insertResponses(1),
      input: insertItems({ ...at, owner: 'resp_1', items }),
      conversation: write(sql`INSERT INTO conversations (tenant, id, created_at, metadata, deleted_at, listed)
        VALUES ('t', 'conv', 0, '{}', 1, 1)`),
      added: insertItems({ ...at, owner: 'conv', kind: 'added', items, conversation: { id: 'conv', next: 0 } }),
    });
    slices.length = 0;
    await sweep(database, new ProcessLease(1_000), Date.now());
    assert.deepEqual(await rows(database), [0, 0, 0, 0]);
    const most = Math.max(...slices.map(({ removed }) => removed));
    assert.ok(most <= 600, `${most} rows at a time`);
  });
}

test('a conversation that nobody has written to for so long goes, and one that is used stays', async (t) => {
  const { database, long, short } = await open(t);
  const { script, release } = longReply('Hel');
  const ids: string[] = [];
  for (let n = 0; n < 60; n++) ids.push(await conversation(short, { items: [{ role: 'user', content: 'Hi' }] }));
  const [added = '', changed = '', turned = '', taken = ''] = ids;
  const { whole } = await begin(long, { model: long.model.script(script), conversation: taken });
  await create(short, { model: short.model.script(says('ok')), conversation: turned });
  const old = Date.now() - 2 * HOUR;
  await database.batch({ used: write(sql`UPDATE conversations SET used_at = ${old}`) });
  await ask(short, 'POST', `/v1/conversations/${added}/items`, { items: [{ role: 'user', content: 'again' }] });
  await ask(short, 'POST', `/v1/conversations/${changed}`, { metadata: { a: 'b' } });
  await create(short, { model: short.model.script(says('ok')), conversation: turned });
  const bounds = { conversations: HOUR };
  await sweep(database, new ProcessLease(1_000), Date.now(), {});
  assert.equal((await rows(database))[3], 60, 'without a bound all stay');
  await sweep(database, new ProcessLease(1_000), Date.now(), bounds);
  const status = async (id = '') => (await ask(short, 'GET', `/v1/conversations/${id}`)).status;
  for (const id of [added, changed, turned, taken]) assert.equal(await status(id), 200);
  for (const id of ids.slice(4)) assert.equal(await status(id), 404);
  release();
  assert.equal((await whole).final.status, 'completed');
  await sweep(database, new ProcessLease(1_000), Date.now() + 61_000, bounds);
  assert.equal((await rows(database))[3], 4);
  await sweep(database, new ProcessLease(1_000), Date.now() + MONTH + HOUR, bounds);
  await sweep(database, new ProcessLease(1_000), Date.now() + MONTH + HOUR + 61_000, bounds);
  assert.deepEqual(await rows(database), [0, 0, 0, 0]);
});

test('deleted conversations go some at a time, however many there are', async (t) => {
  const { database, short } = await open(t);
  for (let n = 0; n < 130; n++) await conversation(short, { items: [{ role: 'user', content: `message ${n}` }] });
  await database.batch({ deleted: write(sql`UPDATE conversations SET deleted_at = ${Date.now()}`) });
  const counting = watched(database);
  await sweep(counting.database, new ProcessLease(1_000), Date.now() + 61_000);
  assert.deepEqual(
    counting.slices.map(({ looked }) => looked).filter((looked) => looked > 0),
    [40, 40, 40, 10],
  );
  assert.deepEqual(await rows(database), [0, 0, 0, 0]);
});
