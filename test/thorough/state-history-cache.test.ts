import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statementsOf } from '../../handler/state/database/batch.ts';
import type { Database } from '../../handler/state/database/database.ts';
import { create, refuses, stream } from '../promises/ask.ts';
import { ask } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { post } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { callsFunctions, failsMidway, type Script, says } from '../support/model/scripted.ts';

/** Two processes on a database, and how often the first has read the items of a chain. */
async function two(t: { after(then: () => Promise<void>): void }) {
  const database = await testDatabase();
  let reads = 0;
  const watched: Database = {
    ...database,
    batch(statements) {
      if (statementsOf(statements).some(({ text }) => text.startsWith('WITH RECURSIVE chain'))) reads++;
      return database.batch(statements);
    },
  };
  const [first, second] = [await openInProcess({ database: watched }), await openInProcess({ database })];
  t.after(async () => {
    await first.close();
    await second.close();
    await database.close();
  });
  return { first, second, reads: () => reads };
}

const thinks: Script = async (turn) => {
  await turn.delta({ reasoning_content: 'Let me see' });
  await turn.text('It is so');
  await turn.finish('stop');
};

test('a chain that is continued is read once, and its model is sent what a process without a cache sends', async (t) => {
  const { first, second, reads } = await two(t);
  const scripts = [
    says('Hello'),
    thinks,
    callsFunctions({ name: 'f', args: '{"a":1}' }),
    says('ok'),
    says('and so on'),
  ];
  const models = [first, second].map((door) => door.model.script(...scripts.flatMap((script) => [script, script])));
  const inputs: unknown[] = [
    'Hi',
    [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'input_text', text: 'Why?' }] },
    ],
    'Call it',
    'placeholder',
    'Go on',
  ];
  const tools = [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }];
  let previous_response_id: string | undefined;
  for (const [turn, input] of inputs.entries()) {
    const body = { input, tools, previous_response_id, ...(turn > 1 && { stream: turn % 2 === 0 }) };
    const [model = '', other = ''] = models;
    const { final: same } = await stream(second, { ...body, model: other });
    assert.equal(same.status, 'completed');
    const final =
      turn % 2 === 0 ? (await stream(first, { ...body, model })).final : await create(first, { ...body, model });
    const sent = [first.model.calls(model).at(-1)?.body.messages, second.model.calls(other).at(-1)?.body.messages];
    assert.deepEqual(sent[0], sent[1], `turn ${turn}`);
    assert.equal(reads(), Math.min(turn, 1), `turn ${turn}`);
    const call = final.output.find((item) => item.type === 'function_call');
    if (call) inputs[turn + 1] = [{ type: 'function_call_output', call_id: call.call_id, output: 'done' }];
    previous_response_id = final.id;
  }
});

test('a second turn after the same response reads it again, and both go on', async (t) => {
  const { first, reads } = await two(t);
  const model = first.model.script(says('Hello'));
  const { id: start } = await create(first, { model, input: 'one' });
  const { id: next } = await create(first, { model, input: 'two', previous_response_id: start });
  for (const input of ['three', 'another three']) {
    await create(first, { model, input, previous_response_id: next });
    const users = first.model
      .calls(model)
      .at(-1)
      ?.body.messages.filter(({ role }: { role: string }) => role === 'user');
    assert.deepEqual(
      users.map(({ content }: { content: string }) => content),
      ['one', 'two', input],
    );
  }
  assert.equal(reads(), 2);
});

test('a response that any process has deleted is continued by none', async (t) => {
  const { first, second } = await two(t);
  const model = first.model.script(says('Hello'));
  const gone = { status: 400, code: 'previous_response_not_found', param: 'previous_response_id' };
  for (const door of [first, second]) {
    const { id: start } = await create(first, { model });
    const { id } = await create(first, { model, previous_response_id: start });
    assert.equal((await ask(door, 'DELETE', `/v1/responses/${id}`)).status, 200);
    await refuses(await post(first, { model, input: 'Hi', previous_response_id: id }), gone);
  }
});

test('a turn that failed leaves nothing to go on from', async (t) => {
  const { first } = await two(t);
  const model = first.model.script(says('Hello'), says('Hello'), failsMidway({ code: 500 }));
  const { id: start } = await create(first, { model });
  const { id } = await create(first, { model, previous_response_id: start });
  const { final } = await stream(first, { model, previous_response_id: id });
  assert.equal(final.status, 'failed');
  const reply = await post(first, { model, input: 'Hi', previous_response_id: final.id });
  await refuses(reply, { status: 400, code: 'previous_response_not_usable', param: 'previous_response_id' });
});

test('a chain is as large as the limit says, whether it was read or kept', async (t) => {
  const { first, second } = await two(t);
  const input = '漢'.repeat(600_000); // 1.8 of the 3 MiB of testLimits, in bytes
  const model = first.model.script(says('Hello'));
  let previous_response_id: string | undefined;
  for (let turn = 0; turn < 3; turn++) {
    const { id } = await create(first, { model, previous_response_id, ...(turn > 0 && { input }) });
    previous_response_id = id;
  }
  for (const door of [first, second]) {
    const reply = await post(door, { model: door.model.script(says('Hello')), input: 'Hi', previous_response_id });
    await refuses(reply, { status: 400, code: 'context_length_exceeded', param: 'previous_response_id' });
  }
});
