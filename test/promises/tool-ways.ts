import assert from 'node:assert/strict';
import { callsFunctions, type Script, says } from '../support/model/scripted.ts';
import { NEEDS_SOCKET, withSocket } from '../support/socket.ts';
import { outline } from '../support/sse.ts';
import { create, stream } from './ask.ts';
import { ended } from './background.ts';
import { add, callOf, entryFor } from './mcp-ask.ts';
import { ask, conversation, have, type List, until } from './state-ask.ts';
import { both, inAnotherWay, SNOW, search, told, toldOf } from './tool-ways-ask.ts';

inAnotherWay(
  'socket',
  'over a WebSocket searches, servers and approvals have the same events, and a turn goes on from them within the connection, stored or not',
  (door) =>
    withSocket(door, async (socket) => {
      for (const store of [true, false]) {
        const server = door.model.mcp.serve([add]);
        const tools = [{ type: 'web_search' }, entryFor(server)];
        const how = store ? { store } : { store, include: ['reasoning.encrypted_content'] };
        const over = await stream(door, { model: door.model.script(...both(server)), tools, ...how });
        const model = door.model.script(...both(server));
        const { events, final } = await socket.create({ model, tools, ...how, input: 'Hi' });
        const lines = (all: typeof events) =>
          outline(all)
            .map((line) => line.replace(/ \d+( |$)/, '$1'))
            .sort();
        assert.deepEqual(lines(events), lines(over.events), 'those of a stream over HTTP');
        await socket.create({ model, tools, ...how, input: 'Sure?', previous_response_id: final.id });
        const read = told(door, model);
        assert.deepEqual([...read].sort(), toldOf(server, 'user: Sure?').sort());

        const asking = [entryFor(server, { require_approval: 'always' })];
        const asked = door.model.script(callsFunctions(callOf(server)), says('5'));
        const first = await socket.create({ model: asked, tools: asking, store, input: 'Hi' });
        const { id } = first.final.output.at(-1) ?? assert.fail('a request');
        const answer = { type: 'mcp_approval_response', approval_request_id: id, approve: true };
        const next = { model: asked, tools: asking, store, input: [answer], previous_response_id: first.final.id };
        assert.partialDeepStrictEqual((await socket.create(next)).final.output, [
          { type: 'mcp_call', output: '5' },
          {},
        ]);
      }
    }),
  'docs/websockets.md',
  NEEDS_SOCKET,
);

inAnotherWay(
  'socket-unreachable',
  'a server that cannot be listed fails a turn over a WebSocket with the same error, and the connection stays open',
  (door) =>
    withSocket(door, async (socket) => {
      const server = door.model.mcp.serve([add], { status: 500 });
      const model = door.model.script(says('Hi'));
      socket.send({ type: 'response.create', model, tools: [entryFor(server)], input: 'Hi' });
      const events = await socket.events();
      assert.partialDeepStrictEqual(events.slice(-2), [
        { type: 'error', code: 'http_error', param: 'tools' },
        {
          type: 'response.failed',
          response: { output: [{ type: 'mcp_list_tools', error: 'The server answered HTTP 500.' }] },
        },
      ]);
      assert.equal((await socket.create({ model, input: 'Hi' })).final.status, 'completed');
    }),
  'docs/mcp.md',
  NEEDS_SOCKET,
);

inAnotherWay(
  'background',
  'in the background they are polled, and their stream is the same bytes wherever it was cut and resumed',
  async (door) => {
    const server = door.model.mcp.serve([add]);
    const tools = [{ type: 'web_search' }, entryFor(server)];
    const body = { model: door.model.script(...both(server)), tools, input: 'Hi', background: true };
    const { id } = await create(door, body);
    const { status, output } = await ended(door, id);
    assert.equal(status, 'completed');
    const types = output.map(({ type }) => type);
    assert.deepEqual(types.sort(), ['mcp_call', 'mcp_list_tools', 'message', 'web_search_call']);
    const part = output.at(-1);
    assert.ok(part?.type === 'message' && part.content[0]?.type === 'output_text');
    assert.match(part.content[0].text, SNOW);
    assert.equal(part.content[0].annotations.length, 1);
    const replay = async (query = '') => {
      const text = await (await door.fetch(`/v1/responses/${id}?stream=true${query}`)).text();
      return text.split('\n\n').filter((frame) => frame !== '' && !frame.startsWith(':'));
    };
    const whole = await replay();
    assert.ok(whole.length > 25);
    for (let cut = 0; cut < whole.length - 1; cut++)
      assert.deepEqual(await replay(`&starting_after=${cut}`), whole.slice(cut + 1), `cut at ${cut}`);
  },
  'docs/background.md',
);

inAnotherWay(
  'conversation',
  'a conversation keeps their items, shows them, tells them to its next turn, and forgets one that is deleted',
  async (door) => {
    const server = door.model.mcp.serve([add]);
    const tools = [{ type: 'web_search' }, entryFor(server)];
    const model = door.model.script(...both(server));
    const id = await conversation(door);
    const { output } = await create(door, { model, tools, conversation: id });
    const path = `/v1/conversations/${id}/items`;
    const { data } = await have<List>(door, 'GET', `${path}?order=asc`);
    assert.deepEqual(data.slice(1), output);
    await create(door, { model, tools, conversation: id, input: 'Sure?' });
    assert.deepEqual(told(door, model).sort(), toldOf(server, 'user: Sure?').sort());
    for (const { id: item } of output.filter(({ type }) => /_call$/.test(type)))
      assert.equal((await ask(door, 'DELETE', `${path}/${item}`)).status, 200);
    const last = door.model.script(says('Ok.'));
    await create(door, { model: last, tools, conversation: id, input: 'Now?' });
    assert.deepEqual(
      told(door, last).map((line) => line.replace(/\(.*/, '')),
      [...['user: Hi', 'assistant: In March', 'user: Sure?', 'assistant: Sure', 'user: Now?']],
    );
  },
  'docs/state.md',
);

inAnotherWay(
  'compacted',
  'a compaction reads what they did, and a turn that goes on from it runs them again',
  async (door) => {
    const server = door.model.mcp.serve([add]);
    const tools = [{ type: 'web_search' }, entryFor(server)];
    const model = door.model.script(...both(server).slice(0, 2), says('It snowed.'), ...both(server));
    const { output } = await create(door, { model, tools });
    const input = [{ role: 'user', content: 'Hi' }, ...output];
    const made = await have<{ output: object[] }>(door, 'POST', '/v1/responses/compact', { model, input });
    const [, ...read] = told(door, model);
    assert.deepEqual(read.slice(0, -1).sort(), toldOf(server).sort());
    const next = await create(door, { model, tools, input: [...made.output, { role: 'user', content: 'More' }] });
    assert.deepEqual(next.output.map(({ type }) => type).sort(), [
      'mcp_call',
      'mcp_list_tools',
      'message',
      'web_search_call',
    ]);
  },
  'docs/compaction.md',
);

inAnotherWay(
  'stateless',
  'with store: false and encrypted reasoning, what a client sends back is told to the model as it was, its thinking before each call',
  async (door) => {
    const server = door.model.mcp.serve([add]);
    const tools = [{ type: 'web_search' }, entryFor(server)];
    const thinks =
      (thought: string, script: Script): Script =>
      async (turn) => {
        await turn.delta({ reasoning_content: thought });
        await script(turn);
      };
    const model = door.model.script(
      thinks('Search.', callsFunctions(search)),
      thinks('Add.', callsFunctions(callOf(server))),
      says('In March【1】.'),
      says('Ok.'),
    );
    const more = { model, tools, store: false, include: ['reasoning.encrypted_content'] };
    const { output } = await create(door, more);
    await create(door, {
      ...more,
      input: [{ role: 'user', content: 'Hi' }, ...output, { role: 'user', content: 'Sure?' }],
    });
    assert.deepEqual(told(door, model), toldOf(server, 'user: Sure?'));
    const { messages } = door.model.calls(model).at(-1)?.body ?? assert.fail('a call');
    const thoughts = messages.flatMap(({ reasoning_content: one }: { reasoning_content?: string }) => one ?? []);
    assert.deepEqual(thoughts, ['Search.', 'Add.']);
  },
  'docs/state.md',
);

inAnotherWay(
  'counted',
  'a count of tokens has the definitions of their functions, and leaves no session behind',
  async (door) => {
    const server = door.model.mcp.serve([add]);
    const model = door.model.script(says('Ok.'));
    const count = async (tools: object[]) =>
      (await have<{ input_tokens: number }>(door, 'POST', '/v1/responses/input_tokens', { model, input: 'Hi', tools }))
        .input_tokens;
    const none = await count([]);
    for (const entry of [{ type: 'web_search' }, entryFor(server)]) assert.ok((await count([entry])) > none + 20);
    await until(() => server.sessions.size === 0);
    assert.ok(server.begun > 0);
  },
  'docs/api.md',
);
