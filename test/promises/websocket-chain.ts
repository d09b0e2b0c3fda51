import assert from 'node:assert/strict';
import { callsFunctions, failsMidway, says } from '../support/model/scripted.ts';
import { tells, text } from '../support/model/scripted-messages.ts';
import { NEEDS_SOCKET, type SocketEvent, withSocket } from '../support/socket.ts';
import { callOf, create } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { have, type List, modelInput, nowhere, stored } from './state-ask.ts';

const UNSTORED = { store: false };

/** The error event for a response that is not there any more. */
function notFound(event: SocketEvent): void {
  const { type, status, error } = event;
  assert.deepEqual([type, status], ['error', 400]);
  assert.deepEqual(
    [error.type, error.code, error.param],
    ['invalid_request_error', 'previous_response_not_found', 'previous_response_id'],
  );
}

promise(
  'websocket.unstored',
  {
    says: 'with store: false a chain goes on within its connection',
    source: 'docs/edge-cases.md: 4 (agentjido/req_llm#736)',
  },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('one'), says('two'), says('three'));
      let previous_response_id: string | null = null;
      for (const input of ['A', 'B', 'C']) {
        const { final } = await socket.create({ model, input, previous_response_id, ...UNSTORED });
        assert.equal(final.previous_response_id, previous_response_id);
        previous_response_id = final.id;
      }
      assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B', 'assistant: two', 'user: C']);
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.unstored-calls',
  {
    says: 'the output of a call goes on from an unstored response within its connection',
    source: 'docs/edge-cases.md: 4 (agentjido/req_llm#736)',
  },
  (door) =>
    withSocket(door, async (socket) => {
      const tools = [{ type: 'function', name: 'weather', parameters: {} }];
      const call = callsFunctions({ name: 'weather', args: '{}', id: 'call_a' });
      const model = door.model.script(call, says('Sunny.'));
      const { final } = await socket.create({ model, tools, ...UNSTORED });
      const output = { type: 'function_call_output', call_id: 'call_a', output: 'sun' };
      await socket.create({ model, tools, input: [output], previous_response_id: final.id, ...UNSTORED });
      assert.deepEqual(modelInput(door, model).slice(-1), ['tool call_a: sun']);
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.unstored-elsewhere',
  {
    says: 'an unstored response is previous_response_not_found on every other connection, as an event',
    source: 'OpenAI: WebSocket mode',
  },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    let previous_response_id = '';
    await withSocket(door, async (socket) => {
      previous_response_id = (await socket.create({ model, ...UNSTORED })).final.id;
      await withSocket(door, async (other) => {
        other.send({ type: 'response.create', model, input: 'B', previous_response_id, ...UNSTORED });
        notFound(await other.next());
        await other.create({ model, ...UNSTORED });
      });
    });
    await withSocket(door, async (socket) => {
      socket.send({ type: 'response.create', model, input: 'B', previous_response_id });
      notFound(await socket.next());
    });
    if (door.name !== 'envoy-original') await nowhere(door, `GET /v1/responses/${previous_response_id}`);
  },
  NEEDS_SOCKET,
);

promise(
  'websocket.unstored-then-stored',
  { says: 'a stored response that goes on from unstored ones holds what they said', source: 'docs/state.md' },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('one'), says('two'), says('three'), says('four'));
      const first = await create(door, { model, input: 'A' });
      const second = await socket.create({ model, input: 'B', previous_response_id: first.id, ...UNSTORED });
      const third = await socket.create({ model, input: 'C', previous_response_id: second.final.id });
      assert.equal((await stored(door, third.final.id)).previous_response_id, second.final.id);
      await create(door, { model, input: 'D', previous_response_id: third.final.id });
      assert.deepEqual(modelInput(door, model), [
        ...['user: A', 'assistant: one', 'user: B', 'assistant: two', 'user: C', 'assistant: three', 'user: D'],
      ]);
      const { data } = await have<List>(door, 'GET', `/v1/responses/${third.final.id}/input_items?order=asc`);
      assert.equal(data.length, 5, 'all that no other response holds');
    }),
  { ...NEEDS_SOCKET, ...NEEDS_HEADERS },
);

promise(
  'websocket.unstored-fork',
  { says: 'any number of follow-ups go on from an unstored response, in any lane', source: 'OpenAI: WebSocket mode' },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('one'), says('two'), says('three'));
      const root = await socket.create({ model, input: 'A', ...UNSTORED });
      const previous_response_id = root.final.id;
      await socket.create({ model, input: 'B', previous_response_id, ...UNSTORED });
      await socket.create({ model, input: 'C', previous_response_id, stream_id: 'other', ...UNSTORED });
      assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: C']);
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.unstored-failed',
  { says: 'a failed turn cannot be gone on from, nor can what it went on from', source: 'OpenAI: WebSocket mode' },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('one'), failsMidway({ code: 500 }), says('two'));
      const { final } = await socket.create({ model, input: 'A', ...UNSTORED });
      const next = { model, input: 'B', previous_response_id: final.id, ...UNSTORED };
      const failed = await socket.create(next);
      assert.equal(failed.final.status, 'failed');
      for (const previous_response_id of [failed.final.id, final.id]) {
        socket.send({ type: 'response.create', ...next, previous_response_id });
        notFound(await socket.next());
      }
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.unstored-bounded',
  { says: 'a connection remembers the last of its unstored responses only', source: 'docs/websockets.md' },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('ok'));
      const ids: string[] = [];
      for (let count = 0; count < 40; count++) {
        const { final } = await socket.create({ model, input: `${count}`, generate: false, ...UNSTORED });
        ids.push(final.id);
      }
      socket.send({ type: 'response.create', model, input: 'Hi', previous_response_id: ids[0], ...UNSTORED });
      notFound(await socket.next());
      await socket.create({ model, previous_response_id: ids.at(-1), ...UNSTORED });
      assert.deepEqual(modelInput(door, model), ['user: 39', 'user: Hi']);
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.warm-up',
  {
    says: 'generate: false calls no model, and makes a response without output to go on from',
    source: 'OpenAI: WebSocket mode',
  },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('Hello'));
      const warm = { model, generate: false, instructions: 'Be kind.', input: [{ role: 'developer', content: 'D' }] };
      for (const store of [true, false]) {
        const { events, final } = await socket.create({ ...warm, store });
        assert.deepEqual(
          events.map(({ type }) => type),
          ['response.created', 'response.in_progress', 'response.completed'],
        );
        assert.deepEqual([final.output, final.usage?.total_tokens], [[], 0]);
        await socket.create({ model, input: 'Hi', previous_response_id: final.id, store });
        assert.deepEqual(modelInput(door, model), ['system: D', 'user: Hi']);
      }
      assert.equal(door.model.calls(model).length, 2, 'warming up calls no model');
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.warm-up-bare',
  { says: 'generate: false needs no input', source: 'OpenAI: WebSocket mode' },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('Hello'));
      for (const input of [null, []]) {
        const { final } = await socket.create({ model, generate: false, input, ...UNSTORED });
        await socket.create({ model, input: 'Hi', previous_response_id: final.id, ...UNSTORED });
        assert.deepEqual(modelInput(door, model), ['user: Hi']);
      }
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.warm-up-anywhere',
  {
    says: 'generate: false takes on every backend what more words are to follow, and sums nothing up',
    source: 'OpenAI: WebSocket mode',
  },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.anthropic(tells(text('Hello')));
      for (const input of [[], [{ role: 'developer', content: 'D' }], talk]) {
        const context_management = [{ type: 'compaction', compact_threshold: 1 }];
        const { final } = await socket.create({ model, generate: false, input, context_management });
        assert.deepEqual([final.status, final.output], ['completed', []]);
      }
      socket.send({
        type: 'response.create',
        model,
        generate: false,
        input: [...talk, { type: 'compaction_trigger' }],
      });
      const { type, status, error } = await socket.next();
      assert.deepEqual([type, status, error.param], ['error', 422, 'generate']);
      assert.equal(door.model.calls(model).length, 0);
    }),
  NEEDS_SOCKET,
);

const talk = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello' },
];

promise(
  'websocket.warm-up-refused',
  { says: 'generate: false is refused what a model call would be', source: 'docs/errors.md' },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('Hello'));
      const wrong: [object, string][] = [
        [{ temperature: 3 }, 'temperature'],
        [{ tools: [{ type: 'file_search' }] }, 'tools[0]'],
        [{ reasoning: { mode: 'pro' } }, 'reasoning.mode'],
        [{ generate: 'no' }, 'generate'],
      ];
      for (const [members, param] of wrong) {
        socket.send({ type: 'response.create', model, input: 'Hi', generate: false, ...members });
        const { type, status, error } = await socket.next();
        assert.deepEqual([type, status], ['error', 422]);
        assert.ok(error.param?.startsWith(param), error.param);
      }
      await socket.create({ model });
      assert.equal(callOf(door, model).body.messages.length, 1);
    }),
  NEEDS_SOCKET,
);
