import assert from 'node:assert/strict';
import { callsFunctions, says, sends } from '../support/model/scripted.ts';
import { create, modelRequest } from './ask.ts';
import { promise } from './promise.ts';
import { modelInput, turnRefused } from './state-ask.ts';

const tools = [{ type: 'function', name: 'f' }];
const user = (content: string, id?: string) => ({ type: 'message', role: 'user', content, ...(id && { id }) });

promise(
  'replay.id-twice',
  {
    says: 'two items of one input with the same id are 400, unless nothing is stored; without ids they are not the same',
    source: 'docs/edge-cases.md: 24 (vercel/ai#15492)',
  },
  async (door) => {
    const refused = { status: 400, code: null, param: 'input', message: /msg_twice/ };
    await turnRefused(door, { input: [user('A', 'msg_twice'), user('B', 'msg_twice')] }, refused);
    await turnRefused(door, { input: [user('A', 'msg_twice'), user('A', 'msg_twice')], store: true }, refused);
    const unstored = { input: [user('A', 'msg_123'), user('B', 'msg_123'), user('A', 'msg_123')], store: false };
    const { messages } = await modelRequest(door, unstored);
    assert.deepEqual(
      messages.map(({ content }: { content: string }) => content),
      ['A', 'B', 'A'],
    );
    const longest = '"'.repeat(256);
    await turnRefused(door, { input: [user('A', longest), user('B', longest)] }, { ...refused, message: /same id/ });
    const nulls = [
      { ...user('A'), id: null },
      { ...user('B'), id: null },
    ];
    assert.equal((await modelRequest(door, { input: nulls })).messages.length, 2);
  },
);

promise(
  'replay.id-elsewhere',
  {
    says: 'an id of the client may be used again in another chain',
    source: 'docs/edge-cases.md: 24 (vercel/ai#15492)',
  },
  async (door) => {
    for (const content of ['A', 'B']) {
      const { messages } = await modelRequest(door, { input: [user(content, 'msg_of-the-client')] });
      assert.deepEqual(messages, [{ role: 'user', content }]);
    }
  },
);

promise(
  'replay.by-id',
  {
    says: 'items of the chain that the input repeats by id reach the model once',
    source: 'docs/edge-cases.md: 24 (vercel/ai#15492)',
  },
  async (door) => {
    const model = door.model.script(
      sends([{ reasoning_content: 'Hm.' }, { content: 'one' }]),
      says('two'),
      says('three'),
    );
    const first = await create(door, { model, input: [user('A', 'msg_mine')] });
    const input = [user('A', 'msg_mine'), ...first.output, user('B')];
    const second = await create(door, { model, input, previous_response_id: first.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B']);
    await create(door, { model, input: [...second.output, user('C')], previous_response_id: second.id });
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B', 'assistant: two', 'user: C']);
  },
);

promise(
  'replay.call',
  {
    says: 'a call of the chain that the input repeats, whatever its id, reaches the model once',
    source: 'docs/edge-cases.md: 24 (vercel/ai#15492)',
  },
  async (door) => {
    for (const more of [{}, { id: null, status: null }, { id: 'fc_another' }]) {
      const model = door.model.script(callsFunctions({ name: 'f', args: '{"a":1}', id: 'c1' }), says('done'));
      const first = await create(door, { model, input: 'Go', tools });
      const call = { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":1}', ...more };
      const input = [call, { type: 'function_call_output', call_id: 'c1', output: 'one' }];
      await create(door, { model, tools, input, previous_response_id: first.id });
      assert.deepEqual(modelInput(door, model), ['user: Go', 'assistant: f {"a":1} #c1', 'tool c1: one']);
    }
  },
);

promise(
  'replay.output',
  {
    says: 'an output of the chain that the input repeats reaches the model once',
    source: 'docs/edge-cases.md: 24 (vercel/ai#15492)',
  },
  async (door) => {
    const model = door.model.script(callsFunctions({ name: 'f', args: '{}', id: 'c1' }), says('done'), says('ok'));
    const output = { type: 'function_call_output', call_id: 'c1', output: 'one' };
    const first = await create(door, { model, input: 'Go', tools });
    const second = await create(door, { model, tools, input: [output], previous_response_id: first.id });
    await create(door, { model, tools, input: [output, user('B')], previous_response_id: second.id });
    const before = ['user: Go', 'assistant: f {} #c1', 'tool c1: one'];
    assert.deepEqual(modelInput(door, model), [...before, 'assistant: done', 'user: B']);
  },
);

promise(
  'replay.same-words',
  { says: 'a message that says the same again is another message', source: 'docs/background.md' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    const first = await create(door, { model, input: 'Again' });
    await create(door, { model, input: 'Again', previous_response_id: first.id });
    assert.deepEqual(modelInput(door, model), ['user: Again', 'assistant: one', 'user: Again']);
  },
);

promise(
  'replay.blank',
  {
    says: 'items with null ids, statuses and annotations are stored and sent on; empty reasoning is a no-op',
    source: 'docs/edge-cases.md: 21, 22 (vllm#54224, llama.cpp#50)',
  },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    const blank = { id: null, status: null };
    const input = [
      { ...blank, ...user('A') },
      { ...blank, type: 'reasoning', summary: [] },
      { ...blank, type: 'reasoning', summary: null, content: null, encrypted_content: null },
      {
        ...blank,
        type: 'message',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'B', annotations: null, logprobs: null }],
      },
      { ...blank, type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
      { ...blank, type: 'function_call_output', call_id: 'c1', output: 'one' },
    ];
    const first = await create(door, { model, input });
    const before = ['user: A', 'assistant: B f {} #c1', 'tool c1: one'];
    assert.deepEqual(modelInput(door, model), before);
    await create(door, { model, input: 'C', previous_response_id: first.id });
    assert.deepEqual(modelInput(door, model), [...before, 'assistant: one', 'user: C']);
  },
);

promise(
  'replay.tool-items',
  {
    says: "a server-side tool's call in the input reaches the model with its output, once",
    source: 'docs/edge-cases.md: 13 (smg#160)',
  },
  async (door) => {
    const call = { type: 'mcp_call', id: 'mcp_1', server_label: 's', name: 'add', arguments: '{"a":1}', output: '5' };
    const said = ['user: A', 'assistant: mcp_s__add {"a":1} #mcp_1', 'tool mcp_1: 5'];
    for (const more of [{ error: null, status: 'completed' }, {}]) {
      const model = door.model.script(says('one'), says('two'));
      const input = [user('A'), { ...call, ...more }, user('B')];
      const first = await create(door, { model, input });
      assert.deepEqual(modelInput(door, model), [...said, 'user: B']);
      await create(door, { model, input: [{ ...call, ...more }, user('C')], previous_response_id: first.id });
      assert.deepEqual(modelInput(door, model), [...said, 'user: B', 'assistant: one', 'user: C']);
    }
  },
);
