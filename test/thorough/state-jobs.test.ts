import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { Runner, Work } from '../../handler/index.ts';
import { statementsOf } from '../../handler/state/database/batch.ts';
import type { Batch, Database } from '../../handler/state/database/database.ts';
import { migrate } from '../../handler/state/database/schema.ts';
import { read, type Sql, sql, write } from '../../handler/state/database/sql.ts';
import { sqliteDatabase } from '../../handler/state/database/sqlite.ts';
import { JOB_VERSION } from '../../handler/state/jobs.ts';
import { create } from '../promises/ask.ts';
import { contents, modelInput, stored, until } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { testConfig } from '../support/doors/door.ts';
import { type Chosen, openInProcess } from '../support/doors/in-process.ts';
import { says } from '../support/model/scripted.ts';
import { LEASE, reads, takenOver } from '../support/processes.ts';

const background = { background: true, input: 'Hi' };
const NEWER = JOB_VERSION + 1;
const CLAIM = /^UPDATE responses AS r SET owner/;

/** A Runner that makes nothing until it is told to. */
function idleRunner() {
  let work: Work | undefined;
  const runner = (does: Work): Runner => {
    work = does;
    return { start: async () => {}, stop: async () => {}, close: async () => {} };
  };
  return { runner, work: (id: string) => work?.({ tenant: 'default', id, caller: '' }, new AbortController().signal) };
}

/** A process that makes no background turns by itself, and others on its database that call the same models. */
async function open(t: TestContext) {
  const database = await testDatabase();
  const { runner, work } = idleRunner();
  const asked = await openInProcess({ database, runner });
  t.after(() => asked.close());
  const process = async (chosen: Chosen = {}) => {
    const door = await openInProcess({ database, lease: LEASE, config: testConfig(asked.model), ...chosen });
    t.after(() => door.close());
    return door;
  };
  return { database, asked, work, process };
}

const change = (database: Database, change: Sql) => database.batch({ change: write(change) });

async function rowOf(database: Database, id: string) {
  const { found } = await database.batch({
    found: read(sql`SELECT r.status, r.owner FROM responses r WHERE r.id = ${id}`),
  });
  return { ...found[0] };
}

/** A program that knows one version more: it says so in the statements in which this one says what it knows. */
function knowsMore(whole: Database): Database {
  const newer = <B extends Batch>(statements: B): B => {
    const change = (statement: object) =>
      JSON.parse(JSON.stringify(statement).replaceAll(`BETWEEN 1 AND ${JOB_VERSION}`, `BETWEEN 1 AND ${NEWER}`));
    return Object.fromEntries(Object.entries(statements).map(([name, entry]) => [name, change(entry)])) as B; // the same names
  };
  return { ...whole, batch: (statements) => whole.batch(newer(statements)) };
}

test('a background turn of a newer version waits, untouched, for a process that knows it', async (t) => {
  const { database, asked, work, process } = await open(t);
  const model = asked.model.script(says('Hello'));
  const { id } = await create(asked, { ...background, model });
  const { id: known } = await create(asked, { ...background, model });
  await change(database, sql`UPDATE responses SET background = ${NEWER} WHERE id = ${id}`);
  let claims = 0;
  const less = await process({
    database: {
      ...database,
      batch(statements) {
        claims += statementsOf(statements).filter(({ text, values }) => CLAIM.test(text) && values.includes(id)).length;
        return database.batch(statements);
      },
    },
  });
  assert.equal((await takenOver(less, known)).status, 'completed', 'what it knows it makes');
  for (let looks = 0; looks < 5; looks++) {
    await less.resume();
    await less.sweep();
  }
  assert.equal(await work(id), false, 'who is told to make it leaves it as well');
  assert.equal(claims, 0, 'it is not tried again and again');
  assert.deepEqual(await rowOf(database, id), { status: 'queued', owner: '' });
  assert.equal((await stored(less, id)).status, 'queued');

  const reader = reads(less, id);
  const more = await process({ database: knowsMore(database) });
  assert.equal((await takenOver(more, id)).status, 'completed');
  assert.equal((await reader.whole).final.status, 'completed');
  assert.equal(asked.model.calls(model).length, 2);
});

test('one that was being made by a process that has died waits in the same way, and one may be cancelled', async (t) => {
  const { database, asked, process } = await open(t);
  const model = asked.model.script(says('Hello'));
  const { id } = await create(asked, { ...background, model });
  await change(
    database,
    sql`UPDATE responses SET background = ${NEWER}, owner = 'own_dead', status = 'in_progress' WHERE id = ${id}`,
  );
  await change(database, sql`INSERT INTO owners (id, alive_until) VALUES ('own_dead', 0)`);
  const less = await process();
  await until(async () => {
    await less.resume();
    return (await rowOf(database, id)).owner === '';
  });
  await less.resume();
  await less.sweep();
  assert.deepEqual(await rowOf(database, id), { status: 'in_progress', owner: '' });
  const reply = await less.fetch(`/v1/responses/${id}/cancel`, { method: 'POST' });
  assert.equal(reply.status, 200);
  assert.equal((await stored(less, id)).status, 'cancelled');
  assert.equal(asked.model.calls(model).length, 0);
});

for (const [what, garble] of [
  ['a request that is no JSON', (id) => sql`UPDATE jobs SET body = '{"model"' WHERE response = ${id}`],
  ['a request of another kind', (id) => sql`UPDATE jobs SET body = '{"model": 1}' WHERE response = ${id}`],
  [
    'tools that are none',
    (id) => sql`UPDATE jobs SET body = replace(body, '"tools":[', '"tools":[1,') WHERE response = ${id}`,
  ],
  ['a progress that is no JSON', (id) => sql`UPDATE jobs SET progress = '' WHERE response = ${id}`],
  ['a progress without its numbers', (id) => sql`UPDATE jobs SET progress = '{}' WHERE response = ${id}`],
  ['no job at all', (id) => sql`DELETE FROM jobs WHERE response = ${id}`],
  ['input that is no JSON', (id) => sql`UPDATE items SET body = '{' WHERE holder = ${id} AND side = 'input'`],
] satisfies [string, (id: string) => Sql][]) {
  test(`a background turn with ${what} fails, once and for all`, async (t) => {
    const { database, asked, process } = await open(t);
    const model = asked.model.script(says('Hello'));
    const tools = [{ type: 'function', name: 'add', parameters: {} }];
    const { id } = await create(asked, { ...background, model, tools });
    await change(database, garble(id));
    const door = await process();
    const response = await takenOver(door, id);
    assert.equal(response.status, 'failed');
    assert.deepEqual(response.error, {
      code: 'server_error',
      message: 'What this response is made from can be read no more.',
    });
    const events = await (await door.fetch(`/v1/responses/${id}?stream=true`)).text();
    assert.match(events, /event: error\n.*\n\nevent: response.failed\n/);
    assert.deepEqual(await rowOf(database, id), { status: 'failed', owner: '' });
    const { jobs } = await database.batch({ jobs: read(sql`SELECT count(*) AS n FROM jobs`) });
    assert.equal(jobs[0]?.n, 0);
    assert.equal(asked.model.calls(model).length, 0);
  });
}

test('what the version before has written is read, and its background turns are gone on with', async (t) => {
  const connection = new DatabaseSync(':memory:');
  connection.exec(await readFile(new URL('../fixtures/database-3.sql', import.meta.url), 'utf8'));
  const idOf = (where: string) => String(connection.prepare(`SELECT id FROM ${where}`).get()?.id);
  const done = idOf("responses WHERE status = 'completed' AND conversation IS NULL");
  const conversation = idOf('conversations');
  const queued = idOf("responses WHERE status = 'queued'");
  const half = idOf("responses WHERE status = 'in_progress'");
  const database = sqliteDatabase(connection, { defer: setImmediate });
  await migrate(database);
  const door = await openInProcess({ database, lease: LEASE });
  t.after(() => door.close());
  // The names are those that are written there.
  const [speaks, adds] = [door.model.script(says('Hello')), door.model.script(says('It is 3.'))];

  assert.partialDeepStrictEqual(await stored(door, done), { output: [{ content: [{ text: 'Hello' }] }] });
  assert.equal((await takenOver(door, queued)).status, 'completed');
  assert.deepEqual(modelInput(door, speaks).slice(-1), ['user: Later.']);
  assert.equal(String(door.model.calls(speaks)[0]?.body.messages[0].content).length, 'Be kind. '.length * 25_000);
  assert.deepEqual(await contents(door, conversation), [
    ...['user: In a conversation.', 'assistant: Hello', 'user: Later.', 'assistant: Hello'],
  ]);

  const reader = reads(door, half);
  const response = await takenOver(door, half);
  assert.equal(response.status, 'completed');
  assert.partialDeepStrictEqual(response.output, [
    { type: 'mcp_call', name: 'add', output: '3' },
    { type: 'message', content: [{ text: 'It is 3.' }] },
  ]);
  assert.deepEqual(modelInput(door, adds), [
    ...['user: What is this?', 'assistant: Hello', 'user: Add.', 'assistant: add {"a":1,"b":2} #c1', 'tool c1: 3'],
  ]);
  assert.deepEqual((await reader.whole).final, response);
  await create(door, { model: speaks, previous_response_id: half, input: 'And on.' });
  await create(door, { model: speaks, conversation, input: 'And on.' });
});
