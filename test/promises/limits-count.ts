import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { callsFunctions, type Script, says } from '../support/model/scripted.ts';
import { NEEDS_SOCKET, withSocket } from '../support/socket.ts';
import { create, refuses, stream, unprocessable } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

// test/thorough/linear.test.ts checks that as many as these are accepted.
const ITEMS = 10_000;
const TOOLS = 1_024;
const CALLS = 512;
const OUTPUT = 1_000;

const items = (count: number) => Array.from({ length: count }, () => ({ role: 'user', content: '' }));
const functions = (count: number, prefix = 'f') =>
  Array.from({ length: count }, (_, n) => ({ type: 'function', name: `${prefix}${n}` }));
const added = (tools: object[]) => ({ type: 'additional_tools', tools });
const user = { role: 'user', content: 'Hi' };

promise(
  'limit.items',
  { says: 'an input has 10,000 items at most: 422, input', source: 'docs/limits.md' },
  async (door) => {
    await unprocessable(
      door,
      { input: items(ITEMS + 1) },
      'input',
      /^input must not have more than 10000 items, and has 10001 \(`limits.items`/,
    );
  },
);

promise(
  'limit.items-counted',
  { says: 'so has one that is compacted, or counted', source: 'docs/limits.md' },
  async (door) => {
    for (const path of ['/v1/responses/compact', '/v1/responses/input_tokens']) {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ model: 'demo', input: items(ITEMS + 1) });
      const reply = await door.fetch(path, { method: 'POST', headers, body });
      await refuses(reply, { status: 422, code: 422, param: 'input', message: /10000 items/ });
    }
  },
  NEEDS_HEADERS,
);

promise(
  'limit.items-socket',
  { says: 'so has one over a WebSocket, and as few tools', source: 'docs/limits.md' },
  (door) =>
    withSocket(door, async (socket) => {
      socket.send({ type: 'response.create', model: 'demo', input: items(ITEMS + 1) });
      const { status, error } = await socket.next();
      assert.deepEqual([status, error.code, error.param], [422, 'invalid_value', 'input']);
      socket.send({ type: 'response.create', model: 'demo', input: 'Hi', tools: functions(TOOLS + 1) });
      assert.equal((await socket.next()).error.param, 'tools');
    }),
  NEEDS_SOCKET,
);

promise(
  'limit.tools',
  { says: 'a model is offered 1,024 tools at most, those of earlier turns included: 422', source: 'docs/limits.md' },
  async (door) => {
    const message = /must not have more than 1024 tools/;
    await unprocessable(door, { tools: functions(TOOLS + 1) }, 'tools', message);
    const namespace = { type: 'namespace', name: 'n', description: 'd', tools: functions(TOOLS) };
    await unprocessable(door, { tools: [namespace, { type: 'custom', name: 'c' }] }, 'tools', message);
    await unprocessable(door, { input: [user, added(functions(TOOLS)), added(functions(1))] }, 'input', message);
    const model = door.model.script(says('ok'));
    const first = await create(door, { model, input: [user, added(functions(TOOLS))], tools: functions(TOOLS) });
    const more = { previous_response_id: first.id, input: [user, added(functions(1, 'g'))] };
    await unprocessable(door, more, 'tools', /must not have more than 1024 tools, those of earlier turns included/);
    await create(door, { model, previous_response_id: first.id, input: [user, added(functions(TOOLS))] });
  },
);

promise(
  'limit.calls',
  { says: 'a model that makes more than 512 calls is given up', source: 'docs/limits.md' },
  async (door) => {
    const calls = Array.from({ length: CALLS + 1 }, (_, n) => ({ name: 'f', args: '{}', id: `c${n}` }));
    const tools = functions(1);
    const { final } = await stream(door, { model: door.model.script(callsFunctions(...calls)), tools });
    assert.equal(final.status, 'failed');
    assert.match(final.error?.message ?? '', /the model made more than 512 calls/);
  },
);

/** Says one word after another, each in one of these ways, in turns. */
const speaks = (count: number, ways: readonly string[]): Script => {
  const chunks = ways.map((way) => `data: ${JSON.stringify({ choices: [{ delta: { [way]: 'x' } }] })}\n\n`);
  return async (turn) => {
    await turn.raw(Array.from({ length: count }, (_, n) => chunks[n % chunks.length]).join(''));
    await turn.finish();
  };
};

promise(
  'limit.output-items',
  { says: 'so is one that makes more than 1,000 items', source: 'docs/limits.md' },
  async (door) => {
    const items = ['content', 'reasoning'];
    const reply = await post(door, { model: door.model.script(speaks(OUTPUT + 1, items)), input: 'Hi' });
    await refuses(reply, { status: 500, code: 500, message: /the model made more than 1000 items/ });
  },
);

promise(
  'limit.item-parts',
  { says: 'and one that makes more than 1,000 parts of one item', source: 'docs/limits.md' },
  async (door) => {
    const parts = ['content', 'refusal'];
    const reply = await post(door, { model: door.model.script(speaks(OUTPUT + 1, parts)), input: 'Hi' });
    await refuses(reply, { status: 500, code: 500, message: /the model made more than 1000 parts of one item/ });
  },
);
