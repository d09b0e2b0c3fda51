import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statementsOf } from '../../handler/state/database/batch.ts';
import { type Batch, Conflict, type Database, type Rows } from '../../handler/state/database/database.ts';
import { create } from '../promises/ask.ts';
import { begin, longReply, stored, until } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { type InProcess, openInProcess } from '../support/doors/in-process.ts';
import { says } from '../support/model/scripted.ts';

type RunBatch = <B extends Batch>(statements: B, run: Database['batch']) => Promise<Rows<B>>;

/** A process whose batches the test has in its hands, and another one on the same database. */
async function open(t: { after(fn: () => Promise<void>): void }, lease: number, batch: RunBatch) {
  const whole = await testDatabase();
  const database: Database = { ...whole, batch: (statements) => batch(statements, whole.batch) };
  const door = await openInProcess({ database, lease });
  const other = await openInProcess({ database: whole, lease });
  t.after(async () => {
    await door.close();
    await other.close();
  });
  return { door, other };
}

const has = (statements: Batch, text: string) => statementsOf(statements).some((one) => one.text.includes(text));

async function staysAlive(other: InProcess, id: string, times: number): Promise<void> {
  for (let sweeps = 0; sweeps < times; sweeps++) {
    await other.sweep();
    assert.equal((await stored(other, id)).status, 'in_progress');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('a turn is alive whose process said so along with what was refused', async (t) => {
  const begun = Promise.withResolvers<void>();
  let first = true;
  const { door, other } = await open(t, 60_000, async (statements, run) => {
    if (!first || !has(statements, 'INSERT INTO responses')) return run(statements);
    first = false;
    await begun.promise;
    throw new Conflict('somebody else was first');
  });
  const { script, release } = longReply();
  const refused = door.fetch('/v1/responses', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: door.model.script(says('never')), input: 'Hi', stream: true }),
  });
  await until(() => !first);
  const { id, whole } = await begin(door, { model: door.model.script(script) });
  begun.resolve();
  assert.equal((await refused).status, 500);
  await staysAlive(other, id, 1);
  release();
  assert.equal((await whole).final.status, 'completed');
});

test('no turn begins without its process being known to be alive', async (t) => {
  const beats: boolean[] = [];
  const beginning = Promise.withResolvers<void>();
  const { door } = await open(t, 60_000, async (statements, run) => {
    if (!has(statements, 'INSERT INTO responses')) return run(statements);
    beats.push(has(statements, 'INSERT INTO owners'));
    if (beats.length === 3) beginning.resolve();
    await beginning.promise;
    return run(statements);
  });
  const model = door.model.script(says('Hi'));
  for (const { whole } of await Promise.all(Array.from({ length: 3 }, () => begin(door, { model })))) await whole;
  await (await begin(door, { model })).whole;
  assert.deepEqual(beats, [true, true, true, false]);
});

test('a turn is alive though every second time that its process says so is lost', async (t) => {
  let times = 0;
  const { door, other } = await open(t, 900, async (statements, run) => {
    if (has(statements, 'INSERT INTO owners') && times++ % 2 === 1) throw new Error('the network is away');
    return run(statements);
  });
  const { script, release } = longReply();
  const { id, whole } = await begin(door, { model: door.model.script(script) });
  await staysAlive(other, id, 20);
  assert.ok(times > 4);
  release();
  assert.equal((await whole).final.status, 'completed');
});

test('a process that ends has its turns until it is written how they have ended', async (t) => {
  const writing = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  const { door, other } = await open(t, 60_000, async (statements, run) => {
    if (has(statements, 'UPDATE responses AS r SET body')) {
      writing.resolve();
      await written.promise;
    }
    return run(statements);
  });
  const { id, whole } = await begin(door, { model: door.model.script(longReply().script) });
  const drained = door.drain(0);
  await writing.promise;
  await staysAlive(other, id, 1);
  written.resolve();
  await drained;
  assert.equal((await stored(other, id)).status, 'failed');
  assert.equal((await whole).final.error?.message, 'The server is stopping; send the request again.');
});

test('what a process that ends cannot end is nobody’s, and so may be taken at once', async (t) => {
  const never = Promise.withResolvers<void>();
  t.after(() => never.resolve());
  const { door, other } = await open(t, 60_000, async (statements, run) => {
    if (has(statements, 'UPDATE responses AS r SET body')) await never.promise;
    return run(statements);
  });
  const { id } = await begin(door, { model: door.model.script(longReply().script) });
  await door.drain(0);
  assert.equal((await stored(other, id)).status, 'failed');
});

test('a sweep that has seen a turn run does nothing to it when it has ended meanwhile', async (t) => {
  let meanwhile = async () => {};
  const { door } = await open(t, 60_000, async (statements, run) => {
    const rows = await run(statements);
    if (has(statements, 'SELECT r.tenant, r.id FROM responses r WHERE r.owner')) await meanwhile();
    return rows;
  });
  const { script, release } = longReply();
  const { id, whole } = await begin(door, { model: door.model.script(script) });
  meanwhile = async () => {
    release();
    await whole;
  };
  await door.sweep();
  assert.equal((await stored(door, id)).status, 'completed');
});

test('a sweep does not take a background turn for lost that has just been taken', async (t) => {
  let swept = false;
  const { door } = await open(t, 60_000, async (statements, run) => {
    const rows = await run(statements);
    if (has(statements, 'UPDATE responses AS r SET owner')) {
      swept = true;
      await door.sweep();
    }
    return rows;
  });
  const { id } = await create(door, { model: door.model.script(says('Hello')), background: true });
  await until(async () => (await stored(door, id)).status === 'completed');
  assert.ok(swept);
});
