import assert from 'node:assert/strict';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { create, stream } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_TEST_TOOL, promise } from './promise.ts';
import { contents, conversation, have, type List, modelInput, stored, turnRefused } from './state-ask.ts';

const user = (content: string, id?: string) => ({ type: 'message', role: 'user', content, ...(id && { id }) });

promise(
  'conversation-turn.sees',
  { says: "a turn gets the conversation's items before its input", source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door, { items: [user('A'), { role: 'assistant', content: 'B' }] });
    const model = door.model.script(says('D'), says('F'));
    const first = await create(door, { model, input: 'C', conversation: id });
    assert.deepEqual(first.conversation, { id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: B', 'user: C']);
    const second = await create(door, { model, input: 'E', conversation: { id } });
    assert.deepEqual(second.conversation, { id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: B', 'user: C', 'assistant: D', 'user: E']);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-turn.adds',
  { says: 'a turn adds its input and output to the conversation', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door, { items: [user('A')] });
    const model = door.model.script(says('C'), says('E'));
    const first = await create(door, { model, input: 'B', conversation: id });
    assert.deepEqual(await contents(door, id), ['user: A', 'user: B', 'assistant: C']);
    await create(door, { model, input: [user('D')], conversation: id });
    assert.deepEqual(await contents(door, id), ['user: A', 'user: B', 'assistant: C', 'user: D', 'assistant: E']);
    const path = `/v1/conversations/${id}/items`;
    const { data } = await have<List>(door, 'GET', `${path}?order=asc`);
    assert.deepEqual(data[2], first.output[0]);
    assert.deepEqual(await have(door, 'GET', `${path}/${first.output[0]?.id}`), first.output[0]);
    const input = await have<List>(door, 'GET', `/v1/responses/${first.id}/input_items`);
    assert.deepEqual(input.data, [data[1]]);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-turn.streamed',
  { says: 'a streamed turn does both, too', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door);
    const model = door.model.script(says('B'), says('D'));
    const { events, final } = await stream(door, { model, input: 'A', conversation: id });
    for (const event of events) if ('response' in event) assert.deepEqual(event.response.conversation, { id });
    assert.deepEqual(await stored(door, final.id), final);
    await stream(door, { model, input: 'C', conversation: id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: B', 'user: C']);
    assert.deepEqual(await contents(door, id), ['user: A', 'assistant: B', 'user: C', 'assistant: D']);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-turn.instructions',
  { says: 'instructions do not become part of the conversation', source: 'docs/edge-cases.md: 6 (vllm#37727)' },
  async (door) => {
    const id = await conversation(door);
    const model = door.model.script(says('B'), says('D'));
    await create(door, { model, input: 'A', conversation: id, instructions: 'Be kind.' });
    await create(door, { model, input: 'C', conversation: id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: B', 'user: C']);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-turn.unstored',
  { says: 'store: false reads the conversation and adds nothing', source: 'docs/edge-cases.md: 5 (smg#916)' },
  async (door) => {
    const id = await conversation(door, { items: [user('A')] });
    const model = door.model.script(says('C'));
    await create(door, { model, input: 'B', conversation: id, store: false });
    await stream(door, { model, input: 'B', conversation: id, store: false });
    assert.deepEqual(modelInput(door, model), ['user: A', 'user: B']);
    assert.deepEqual(await contents(door, id), ['user: A']);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-turn.calls',
  { says: 'a function call in a conversation is answered by the next turn', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door);
    const model = door.model.script(callsFunctions({ name: 'f', args: '{}', id: 'c1' }), says('done'));
    const body = { model, conversation: id, tools: [{ type: 'function', name: 'f' }] };
    await create(door, { ...body, input: 'Go' });
    const refused = { status: 400, code: null, param: 'input', message: 'No tool output found for function call c1.' };
    await turnRefused(door, { conversation: id, input: 'Never mind' }, refused);
    await create(door, { ...body, input: [{ type: 'function_call_output', call_id: 'c1', output: 'one' }] });
    assert.deepEqual(modelInput(door, model), ['user: Go', 'assistant: f {} #c1', 'tool c1: one']);
    const contentsNow = ['user: Go', 'function_call', 'function_call_output', 'assistant: done'];
    assert.deepEqual(await contents(door, id), contentsNow);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-turn.rounds',
  { says: 'the items of all tool rounds are in the conversation, in order', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door);
    const add = { name: 'add', args: '{"a":2,"b":3}', id: 'c1' };
    const model = door.model.script(callsFunctions(add), callsFunctions({ ...add, id: 'c2' }), says('5'), says('yes'));
    const { output } = await create(door, { model, input: 'Go', conversation: id, tools: [{ type: 'test_tool' }] });
    assert.deepEqual(await contents(door, id), ['user: Go', 'mcp_call', 'mcp_call', 'assistant: 5']);
    const { data } = await have<List>(door, 'GET', `/v1/conversations/${id}/items?order=asc`);
    assert.deepEqual(data.slice(1), output);
    await create(door, { model, input: 'Sure?', conversation: id });
    assert.deepEqual(
      modelInput(door, model).map((line) => line.replace(/^tool \w+|#\w+$/g, '')),
      [
        'user: Go',
        ...[`assistant: mcp_test__add ${add.args} `, ': 5', `assistant: mcp_test__add ${add.args} `, ': 5'],
        ...['assistant: 5', 'user: Sure?'],
      ],
    );
  },
  { ...NEEDS_HEADERS, ...NEEDS_TEST_TOOL },
);

promise(
  'conversation-turn.replayed',
  {
    says: "items of the conversation that a turn's input repeats are there once",
    source: 'docs/edge-cases.md: 24 (vercel/ai#15492)',
  },
  async (door) => {
    const id = await conversation(door, { items: [user('A', 'msg_a')] });
    const model = door.model.script(says('B'), says('D'));
    const { output } = await create(door, { model, input: [user('A', 'msg_a')], conversation: id });
    assert.deepEqual(modelInput(door, model), ['user: A']);
    await create(door, { model, input: [user('A', 'msg_a'), ...output, user('C')], conversation: id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: B', 'user: C']);
    assert.deepEqual(await contents(door, id), ['user: A', 'assistant: B', 'user: C', 'assistant: D']);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-branch.sees',
  { says: 'a turn that goes on from a response in a conversation sees it up to that point', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door, { items: [user('A')] });
    const model = door.model.script(says('C'), says('E'), says('H'), says('J'));
    const first = await create(door, { model, input: 'B', conversation: id });
    await create(door, { model, input: 'D', conversation: id });
    await have(door, 'POST', `/v1/conversations/${id}/items`, { items: [user('F')] });
    const branch = await create(door, { model, input: 'G', previous_response_id: first.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'user: B', 'assistant: C', 'user: G']);
    await create(door, { model, input: 'I', previous_response_id: branch.id });
    assert.deepEqual(modelInput(door, model), [
      ...['user: A', 'user: B', 'assistant: C', 'user: G', 'assistant: H', 'user: I'],
    ]);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-branch.adds-nothing',
  { says: 'such a turn adds nothing to the conversation', source: 'docs/state.md' },
  async (door) => {
    const id = await conversation(door);
    const model = door.model.script(says('B'), says('D'), says('F'));
    const first = await create(door, { model, input: 'A', conversation: id });
    await create(door, { model, input: 'C', previous_response_id: first.id });
    assert.deepEqual(await contents(door, id), ['user: A', 'assistant: B']);
    await create(door, { model, input: 'E', conversation: id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: B', 'user: E']);
  },
  NEEDS_HEADERS,
);

promise(
  'conversation-branch.deleted',
  {
    says: 'a response outlives its conversation, and can be continued',
    source: 'openai 7.57.0 types: Conversations.delete',
  },
  async (door) => {
    const id = await conversation(door, { items: [user('A')] });
    const model = door.model.script(says('C'), says('E'));
    const first = await create(door, { model, input: 'B', conversation: id });
    await have(door, 'DELETE', `/v1/conversations/${id}`);
    assert.deepEqual(await stored(door, first.id), first);
    await create(door, { model, input: 'D', previous_response_id: first.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'user: B', 'assistant: C', 'user: D']);
  },
  NEEDS_HEADERS,
);
