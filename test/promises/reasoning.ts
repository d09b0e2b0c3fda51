import assert from 'node:assert/strict';
import { post } from '../doors/door.ts';
import { callsFunctions, says, sends } from '../model/scripted.ts';
import { create, refuses, stream } from './ask.ts';
import { NEEDS_TEST_TOOL, promise } from './promise.ts';

promise('reasoning.sealed', async (door) => {
  const model = door.model.script(sends([{ reasoning_content: 'Let me think 🙂' }, { content: 'Yes' }]), says('ok'));
  const asked = { model, store: false, include: ['reasoning.encrypted_content'] };
  const { final } = await stream(door, asked);
  const [reasoning, message] = final.output;
  assert.ok(reasoning?.type === 'reasoning' && reasoning.encrypted_content);
  assert.doesNotMatch(reasoning.encrypted_content, /think/);
  const kept = { type: 'reasoning', summary: [], encrypted_content: reasoning.encrypted_content };
  await create(door, {
    ...asked,
    input: [{ role: 'user', content: 'Hi' }, kept, message, { role: 'user', content: 'So?' }],
  });
  const { messages } = door.model.calls(model).at(-1)?.body ?? {};
  assert.deepEqual(messages[1], { role: 'assistant', content: 'Yes', reasoning_content: 'Let me think 🙂' });
  const unasked = await create(door, { model: door.model.script(sends([{ reasoning_content: 'Hm' }])) });
  assert.ok(unasked.output[0]?.type === 'reasoning' && !('encrypted_content' in unasked.output[0]));
});

promise('reasoning.unreadable', async (door) => {
  const model = door.model.script(says('ok'));
  for (const encrypted_content of ['antiphon.1.other.AAAA.AAAA', 'antiphon.1.process.AAAA', 'antiphon.1.process.!.!']) {
    const input = [
      { type: 'reasoning', summary: [], encrypted_content },
      { role: 'user', content: 'Hi' },
    ];
    const reply = await post(door, { model, input });
    await refuses(reply, { status: 400, code: 'invalid_encrypted_content', param: 'input' });
  }
  // What a model's own server has sealed is not ours to judge.
  await create(door, {
    model,
    input: [
      { type: 'reasoning', summary: [], encrypted_content: 'gAAA' },
      { role: 'user', content: 'Hi' },
    ],
  });
});

promise(
  'loop.max-tool-calls',
  async (door) => {
    const add = (id: string) => ({ name: 'add', args: '{"a":1,"b":2}', id });
    const model = door.model.script(callsFunctions(add('c1'), add('c2'), add('c3')), says('done'));
    const { output, max_tool_calls } = await create(door, { model, tools: [{ type: 'test_tool' }], max_tool_calls: 2 });
    assert.equal(max_tool_calls, 2);
    assert.deepEqual(
      output.map(({ type }) => type),
      ['mcp_call', 'mcp_call', 'message'],
    );
    const { messages, tools } = door.model.calls(model).at(-1)?.body ?? {};
    assert.deepEqual(
      [messages.at(-2).content, messages.at(-1).content.slice(0, 8), tools],
      ['3', 'Not run:', undefined],
    );
  },
  NEEDS_TEST_TOOL,
);
