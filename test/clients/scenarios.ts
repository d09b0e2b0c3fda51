import assert from 'node:assert/strict';
import { callsFunctions, replies, type Script, says, sends } from '../support/model/scripted.ts';
import type { ClientsDoor } from './door.ts';
import { heard } from './heard.ts';
import type { Running } from './run.ts';

/** What a scenario has at hand: the product, and the client under test. */
export interface Stage {
  readonly door: ClientsDoor;
  /** Starts the client with a model that plays these scripts. */
  start(...scripts: Script[]): { model: string; client: Running };
}

/** What is tried with each client, by the name that the client's script knows it by. */
export type Scenarios = Record<string, (stage: Stage) => Promise<void>>;

const ARGS = '{"city":"Rome"}';
/** A call of the scenarios' function. */
export const CALL = { name: 'weather', args: ARGS, id: 'call_a' };
/** What the model hears of it afterwards. */
export const ROUND = [`assistant: weather ${ARGS} #call_a`, 'tool call_a: 21 degrees in Rome'];
const PLACE = { city: 'Rome', people: 3 };

/** Text whose second half is said when the client has seen the first. */
async function live({ start }: Stage) {
  const gate = Promise.withResolvers<void>();
  const { client } = start(async (turn) => {
    await turn.text('Hel');
    await gate.promise;
    await turn.text('lo');
    await turn.finish();
  });
  assert.equal(await client.seen(), 'Hel');
  gate.resolve();
  assert.equal(await client.seen(), 'lo');
  assert.deepEqual(await client.outcome, { result: { text: 'Hello' } });
}

/** Two turns: what the second one sent, after the model has heard both. */
export async function twoTurns({ door, start }: Stage) {
  const { model, client } = start(says('one'), says('two'));
  assert.deepEqual(await client.outcome, { result: { texts: ['one', 'two'] } });
  assert.deepEqual(heard(door, model), ['user: A', 'assistant: one', 'user: B']);
  return door.sent(model).at(-1)?.body;
}

/** A call of the function, and the text that follows: what the second request sent. */
export async function toolRound({ door, start }: Stage) {
  const { model, client } = start(callsFunctions(CALL), says('Warm.'));
  assert.deepEqual(await client.seen(), { city: 'Rome' });
  assert.deepEqual(await client.outcome, { result: { text: 'Warm.' } });
  const [first] = door.model.calls(model);
  assert.partialDeepStrictEqual(first?.body.tools, [
    { type: 'function', function: { name: 'weather', parameters: { properties: { city: { type: 'string' } } } } },
  ]);
  assert.deepEqual(heard(door, model), ['user: Weather?', ...ROUND]);
  return door.sent(model).at(-1)?.body;
}

async function structured({ door, start }: Stage) {
  const { model, client } = start(says('{"city":"Ro', 'me","people":3}'));
  assert.deepEqual(await client.outcome, { result: { parsed: PLACE } });
  const { type, json_schema } = door.model.calls(model)[0]?.body.response_format ?? {};
  assert.equal(type, 'json_schema');
  assert.partialDeepStrictEqual(json_schema.schema, { type: 'object', required: ['city', 'people'] });
}

/** Reasoning before a call: the model hears its own again with the call's output. */
async function reasoned({ door, start }: Stage) {
  const call = { index: 0, id: CALL.id, type: 'function', function: { name: 'weather', arguments: ARGS } };
  const deltas = [{ reasoning_content: 'H' }, { reasoning_content: 'm.' }, { tool_calls: [call] }];
  const { model, client } = start(sends(deltas, 'tool_calls'), says('Warm.'));
  assert.deepEqual(await client.outcome, { result: { text: 'Warm.' } });
  const again = [`assistant: (Hm.) weather ${ARGS} #call_a`, 'tool call_a: 21 degrees in Rome'];
  assert.deepEqual(heard(door, model), ['user: Weather?', ...again]);
  return door.sent(model).at(-1)?.body;
}

/** The scenarios that all clients share. */
export const scenarios = {
  async text({ door, start }) {
    const { model, client } = start(says('Hel', 'lo'));
    assert.deepEqual(await client.outcome, { result: { text: 'Hello' } });
    assert.deepEqual(heard(door, model), ['user: Hi']);
  },

  stream: live,

  async 'turns-chain'(stage) {
    const { previous_response_id, input } = await twoTurns(stage);
    assert.match(previous_response_id, /^resp_/);
    assert.equal(typeof input === 'string' ? 1 : input.length, 1);
  },

  async 'turns-conversation'(stage) {
    const { conversation, input } = await twoTurns(stage);
    assert.match(conversation.id ?? conversation, /^conv_/);
    assert.equal(typeof input === 'string' ? 1 : input.length, 1);
  },

  async 'turns-replay'(stage) {
    const { previous_response_id = null, conversation = null, input } = await twoTurns(stage);
    assert.deepEqual({ previous_response_id, conversation }, { previous_response_id: null, conversation: null });
    assert.equal(input.length, 3);
  },

  async tool(stage) {
    await toolRound(stage);
  },

  async 'tool-stream'(stage) {
    const { stream } = await toolRound(stage);
    assert.equal(stream, true);
  },

  async 'tool-chain'(stage) {
    const { previous_response_id, input } = await toolRound(stage);
    assert.match(previous_response_id, /^resp_/);
    assert.equal(input.length, 1);
  },

  async 'tools-parallel'({ door, start }) {
    const paris = '{"city":"Paris"}';
    const { model, client } = start(
      callsFunctions(CALL, { name: 'weather', args: paris, id: 'call_b' }),
      says('Warm in both.'),
    );
    const cities = [await client.seen(), await client.seen()];
    assert.deepEqual(await client.outcome, { result: { text: 'Warm in both.' } });
    assert.deepEqual(cities, [{ city: 'Rome' }, { city: 'Paris' }]);
    assert.deepEqual(heard(door, model), [
      'user: Weather?',
      `assistant: weather ${ARGS} #call_a weather ${paris} #call_b`,
      'tool call_a: 21 degrees in Rome',
      'tool call_b: 21 degrees in Paris',
    ]);
  },

  structured,
  'structured-stream': structured,

  async reasoning(stage) {
    await reasoned(stage);
  },

  async 'reasoning-encrypted'(stage) {
    const { store, include } = await reasoned(stage);
    assert.equal(store, false);
    assert.ok(include.includes('reasoning.encrypted_content'));
  },

  async retry({ door, start }) {
    const { model, client } = start(replies(429, {}, { 'retry-after': '0' }), says('Hello'));
    assert.deepEqual(await client.outcome, { result: { text: 'Hello' } });
    assert.equal(door.model.calls(model).length, 2);
  },

  async refused({ start }) {
    const { error } = await start().client.outcome;
    assert.ok(error);
    assert.match(error.message, /not one that this server offers/);
  },

  async unprocessable({ door, start }) {
    const { model, client } = start();
    const { error } = await client.outcome;
    assert.ok(error);
    assert.match(error.message, /max_output_tokens must be at least 16/);
    assert.equal(door.sent(model).length, 1, 'what is wrong is not sent again');
  },

  async 'stream-fails'({ start }) {
    const gate = Promise.withResolvers<void>();
    const { client } = start(async (turn) => {
      await turn.text('Hel');
      await gate.promise;
      turn.cut();
    });
    assert.equal(await client.seen(), 'Hel');
    gate.resolve();
    const { error } = await client.outcome;
    assert.ok(error, 'the client raises');
    assert.match(error.message, /model/);
  },

  async abort({ start }) {
    const closed = Promise.withResolvers<void>();
    const { client } = start(async (turn) => {
      await turn.text('Hel');
      await turn.closed;
      closed.resolve();
    });
    assert.equal(await client.seen(), 'Hel');
    assert.equal(await client.seen(), 'ended');
    await closed.promise;
    client.release();
    await client.outcome;
  },
} satisfies Scenarios;
