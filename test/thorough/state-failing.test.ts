import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statementsOf } from '../../handler/state/database/batch.ts';
import { type Database, Unavailable, UnknownOutcome } from '../../handler/state/database/database.ts';
import { create, refuses, stream } from '../promises/ask.ts';
import { begin, contents, conversation, longReply, stored, until } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { post } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { callsFunctions, replies, says } from '../support/model/scripted.ts';
import { LEASE } from '../support/processes.ts';

/** A database that may be away, as a network or a full disk takes it away. */
async function failing(): Promise<{ database: Database; whole: Database; away(is: (text: string) => boolean): void }> {
  const whole = await testDatabase();
  let isAway = (_: string) => false;
  return {
    whole,
    away: (is) => {
      isAway = is;
    },
    database: {
      ...whole,
      async batch(statements) {
        if (statementsOf(statements).some(({ text }) => isAway(text))) throw new Error('SECRET: the disk is full');
        return whole.batch(statements);
      },
    },
  };
}

const SERVER_ERROR = { status: 500, code: 500, message: 'The server had an error while processing your request.' };
const ends = (text: string) => text.startsWith('UPDATE responses AS r SET body');

test('what cannot be written down is not begun', async (t) => {
  const { database, away } = await failing();
  const door = await openInProcess({ database });
  t.after(() => door.close());
  const model = door.model.script(says('Hello'));
  away((text) => text.startsWith('INSERT INTO responses'));
  // A stream comes first: before a write has failed, a turn that nobody can know of is written at its end.
  for (const more of [{ stream: true }, {}, { stream: true }, {}]) {
    await refuses(await post(door, { model, input: 'Hi', ...more }), SERVER_ERROR);
  }
  assert.equal(door.model.calls(model).length, 0);
  await create(door, { model, store: false });
});

test('while the database is away everything is 503 with retry-after, and what may have been done says so', async (t) => {
  const whole = await testDatabase();
  let error: Error | undefined;
  const batch: Database['batch'] = (statements) => (error ? Promise.reject(error) : whole.batch(statements));
  const door = await openInProcess({ database: { ...whole, batch } });
  t.after(() => door.close());
  const model = door.model.script(says('Hello'));
  const id = await conversation(door);
  for (const [is, says] of [
    [new Unavailable('SECRET'), /cannot be reached/],
    [new UnknownOutcome('SECRET'), /may have been done or not/],
  ] as const) {
    error = is;
    for (const [method, path] of [
      ['GET', `/v1/conversations/${id}`],
      ['DELETE', `/v1/conversations/${id}`],
    ] as const) {
      const reply = await door.fetch(path, { method });
      const body = (await reply.json()) as { error: { code: string; message: string } };
      assert.deepEqual(
        [reply.status, body.error.code, reply.headers.get('retry-after')],
        [503, 'overloaded', '1'],
        path,
      );
      assert.match(body.error.message, says);
    }
    await refuses(await post(door, { model, input: 'Hi', stream: true }), {
      status: 503,
      code: 'overloaded',
      message: says,
    });
  }
  error = undefined;
  assert.deepEqual(await contents(door, id), []);
});

test('a turn whose end cannot be written has failed, for its reader and for everyone after', async (t) => {
  const { database, away } = await failing();
  const door = await openInProcess({ database, lease: LEASE });
  t.after(() => door.close());
  const model = door.model.script(says('Hello'));
  const id = await conversation(door);
  const start = await create(door, { model });
  away(ends);
  await refuses(await post(door, { model, input: 'Hi', previous_response_id: start.id }), SERVER_ERROR);
  const { final, events } = await stream(door, { model, conversation: id });
  assert.equal(final.status, 'failed');
  assert.doesNotMatch(JSON.stringify(events), /SECRET/);
  away(() => false);
  await door.sweep();
  const kept = await stored(door, final.id);
  assert.equal(kept.status, 'failed');
  assert.equal(kept.error?.code, 'server_error');
  // Nothing holds the conversation any more.
  await create(door, { model, conversation: id, input: 'again' });
  assert.deepEqual(await contents(door, id), ['user: again', 'assistant: Hello']);
});

test('a refused turn that cannot be removed is a refusal all the same, and holds nothing once it is swept', async (t) => {
  const { database, away } = await failing();
  const door = await openInProcess({ database, lease: LEASE });
  t.after(() => door.close());
  const id = await conversation(door);
  const body = { model: door.model.script(replies(429, {}), says('Hello')), input: 'Hi', conversation: id };
  const key = { headers: { 'idempotency-key': 'refused' } };
  away((text) => text.startsWith('DELETE FROM'));
  const limited = { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' };
  await refuses(await post(door, { ...body, stream: true }, key), limited);
  away(() => false);
  assert.equal((await post(door, body)).status, 400, 'the conversation is locked');
  await door.sweep();
  assert.equal((await post(door, body, key)).status, 200);
  assert.deepEqual(await contents(door, id), ['user: Hi', 'assistant: Hello']);
});

test('a turn in one piece whose only write fails has failed, and the next is not begun until one succeeds', async (t) => {
  const { database, away } = await failing();
  const door = await openInProcess({ database, lease: LEASE });
  t.after(() => door.close());
  const model = door.model.script(says('Hello'));
  away((text) => text.startsWith('INSERT INTO responses'));
  for (let turn = 0; turn < 3; turn++) await refuses(await post(door, { model, input: 'Hi' }), SERVER_ERROR);
  assert.equal(door.model.calls(model).length, 1);
  away(() => false);
  for (let turn = 0; turn < 2; turn++) await stored(door, (await create(door, { model })).id);
});

test('a turn whose end cannot be written for a moment has ended as it did', async (t) => {
  const { database, away } = await failing();
  const door = await openInProcess({ database });
  t.after(() => door.close());
  const model = door.model.script(says('Hello'));
  let tries = 0;
  away((text) => ends(text) && ++tries === 1);
  const { final } = await stream(door, { model });
  assert.equal(final.status, 'completed');
  assert.deepEqual(await stored(door, final.id), final);
});

test('a turn whose end came through, though the database did not say so, has ended as it did', async (t) => {
  const whole = await testDatabase();
  let tries = 0;
  const database: Database = {
    ...whole,
    async batch(statements) {
      const rows = await whole.batch(statements);
      if (statementsOf(statements).some(({ text }) => ends(text)) && ++tries === 1)
        throw new Error('the network is away');
      return rows;
    },
  };
  const door = await openInProcess({ database });
  t.after(() => door.close());
  const { final } = await stream(door, { model: door.model.script(says('Hello')) });
  assert.equal(final.status, 'completed');
  assert.deepEqual(await stored(door, final.id), final);
});

test('a round that cannot be written fails the turn', async (t) => {
  const { database, away } = await failing();
  const door = await openInProcess({ database });
  t.after(() => door.close());
  const model = door.model.script(callsFunctions({ name: 'add', args: '{"a":1,"b":2}' }), says('never'));
  away((text) => text.includes('THEN status END'));
  const { final } = await stream(door, { model, tools: [{ type: 'test_tool' }] });
  assert.equal(final.status, 'failed');
  assert.equal(door.model.calls(model).length, 1, 'the model is not called again');
  assert.deepEqual(await stored(door, final.id), final);
});

test('a process that falls silent loses its turns, and writes nothing over what others made of them', async (t) => {
  const { database, whole, away } = await failing();
  const silent = await openInProcess({ database, lease: 400 });
  const other = await openInProcess({ database: whole, lease: 400 });
  t.after(async () => {
    await silent.close();
    await other.close();
  });
  const { script, release } = longReply('Hel');
  const id = await conversation(other);
  const model = silent.model.script(script);
  const inside = await begin(silent, { model, conversation: id });
  const alone = await begin(silent, { model: silent.model.script(script) });
  assert.equal((await stored(other, alone.id)).status, 'in_progress');
  away(() => true);
  await until(async () => (await stored(other, alone.id)).status === 'failed');
  const { error } = await stored(other, alone.id);
  assert.deepEqual(error, { code: 'server_error', message: 'The server that made this response has stopped.' });

  await create(other, { model: other.model.script(says('mine')), conversation: id, input: 'yours?' });
  await other.sweep();
  away(() => false);
  release();
  for (const turn of [inside, alone]) {
    const { final } = await turn.whole;
    assert.equal(final.status, 'failed');
    assert.equal((await stored(other, turn.id)).status, 'failed');
  }
  assert.deepEqual(await contents(other, id), ['user: yours?', 'assistant: mine']);
});

test('a turn is alive for as long as its process says so, however long the model is silent', async (t) => {
  const database = await testDatabase();
  const door = await openInProcess({ database, lease: 300 });
  const other = await openInProcess({ database, lease: 300 });
  t.after(async () => {
    await door.close();
    await other.close();
  });
  const { script, release } = longReply('Hel');
  const { id, whole } = await begin(door, { model: door.model.script(script) });
  for (let looks = 0; looks < 10; looks++) {
    await other.sweep();
    assert.equal((await stored(other, id)).status, 'in_progress');
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  release();
  assert.equal((await whole).final.status, 'completed');
});
