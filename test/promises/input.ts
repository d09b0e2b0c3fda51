import assert from 'node:assert/strict';
import { says, sends } from '../support/model/scripted.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { callOf, create, modelRequest } from './ask.ts';
import { promise } from './promise.ts';

const PNG = 'data:image/png;base64,iVBORw0KGgo=';

promise(
  'input.string',
  { says: 'a string is a user message', source: 'openai 7.57.0 types: ResponseInput' },
  async (door) => {
    assert.deepEqual((await modelRequest(door, { input: 'Hello' })).messages, [{ role: 'user', content: 'Hello' }]);
  },
);

promise('input.easy-messages', { says: 'messages without a type are taken', source: 'docs/api.md' }, async (door) => {
  const input = [
    { role: 'user', content: 'One' },
    { role: 'assistant', content: 'Two' },
    { role: 'user', content: 'Three' },
  ];
  assert.deepEqual((await modelRequest(door, { input })).messages, input);
});

promise(
  'input.null-type',
  {
    says: 'a null type, id or status of a message means "not given"',
    source: 'docs/edge-cases.md: 21 (openai-python#3008)',
  },
  async (door) => {
    const input = [{ type: null, id: null, status: null, role: 'user', content: 'One' }];
    assert.deepEqual((await modelRequest(door, { input })).messages, [{ role: 'user', content: 'One' }]);
  },
);

promise(
  'input.typed-messages',
  { says: 'typed messages are taken; one text alone goes on as a string', source: 'docs/api.md' },
  async (door) => {
    const input = [
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'One' }] },
      {
        type: 'message',
        role: 'user',
        content: [
          { type: 'input_text', text: 'Two' },
          { type: 'input_text', text: 'Three' },
        ],
      },
    ];
    assert.deepEqual((await modelRequest(door, { input })).messages, [
      { role: 'user', content: 'One' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Two' },
          { type: 'text', text: 'Three' },
        ],
      },
    ]);
  },
);

promise(
  'input.roles',
  {
    says: 'system and developer messages join the instructions in their order, wherever they stand: chat templates take only one, in front',
    source: 'docs/api.md',
  },
  async (door) => {
    const input = [
      { role: 'system', content: 'First.' },
      { role: 'developer', content: [{ type: 'input_text', text: 'Second.' }] },
      { role: 'user', content: 'Hi' },
      { role: 'developer', content: 'Later.' },
    ];
    assert.deepEqual((await modelRequest(door, { input, instructions: 'Above all.' })).messages, [
      { role: 'system', content: 'Above all.\n\nFirst.\n\nSecond.\n\nLater.' },
      { role: 'user', content: 'Hi' },
    ]);
    const native = door.model.native(answers(message('ok')));
    await create(door, { model: native, input, instructions: 'Above all.' });
    assert.partialDeepStrictEqual(callOf(door, native).body, {
      instructions: 'Above all.\n\nFirst.\n\nSecond.\n\nLater.',
      input: [{ role: 'user' }],
    });
    const openai = door.model.openai(answers(message('ok')));
    await create(door, { model: openai, input });
    const roles = callOf(door, openai).body.input.map(({ role }: { role: string }) => role);
    assert.deepEqual(roles, ['system', 'developer', 'user', 'developer'], 'OpenAI takes them where they stand');
  },
);

promise(
  'input.instructions',
  { says: 'instructions come first', source: 'openai 7.57.0 types: ResponseCreateParams' },
  async (door) => {
    assert.deepEqual((await modelRequest(door, { input: 'Hi', instructions: 'Be kind.' })).messages, [
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Hi' },
    ]);
  },
);

promise(
  'input.image',
  { says: 'images go on by URL or data URL, with their detail', source: 'docs/api.md' },
  async (door) => {
    const content = [
      { type: 'input_text', text: 'What is it?' },
      { type: 'input_image', image_url: PNG, detail: 'low' },
      { type: 'input_image', image_url: 'https://pictures.test/1.png' },
    ];
    assert.deepEqual((await modelRequest(door, { input: [{ role: 'user', content }] })).messages[0].content, [
      { type: 'text', text: 'What is it?' },
      { type: 'image_url', image_url: { url: PNG, detail: 'low' } },
      { type: 'image_url', image_url: { url: 'https://pictures.test/1.png' } },
    ]);
  },
);

promise(
  'input.function-call',
  {
    says: 'a call and its output go on under one id; a string output stays a string',
    source: 'docs/edge-cases.md: 26 (litellm#18226)',
  },
  async (door) => {
    const input = [
      { role: 'user', content: 'Weather?' },
      { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Rome"}' },
      { type: 'function_call_output', call_id: 'c1', output: '{"degrees":20}' },
    ];
    assert.deepEqual((await modelRequest(door, { input })).messages, [
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: '{"degrees":20}' },
    ]);
  },
);

promise(
  'input.parallel-calls',
  { says: 'a text and parallel calls are one assistant message', source: 'docs/edge-cases.md: 26 (litellm#18226)' },
  async (door) => {
    const call = (call_id: string) => ({ type: 'function_call', call_id, name: 'f', arguments: '{}' });
    const output = (call_id: string) => ({ type: 'function_call_output', call_id, output: call_id });
    const assistantMessage = {
      type: 'message',
      role: 'assistant',
      content: [{ type: 'output_text', text: 'Let me see.' }],
    };
    const input = [{ role: 'user', content: 'Go' }, assistantMessage, call('a'), call('b'), output('b'), output('a')];
    const { messages } = await modelRequest(door, { input });
    const tool = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } });
    assert.deepEqual(messages, [
      { role: 'user', content: 'Go' },
      { role: 'assistant', content: 'Let me see.', tool_calls: [tool('a'), tool('b')] },
      { role: 'tool', tool_call_id: 'b', content: 'b' },
      { role: 'tool', tool_call_id: 'a', content: 'a' },
    ]);
  },
);

promise(
  'input.output-parts',
  { says: 'the images that a function returned are shown to the model', source: 'docs/api.md' },
  async (door) => {
    const output = [
      { type: 'input_text', text: 'a map' },
      { type: 'input_image', image_url: PNG },
    ];
    const input = [
      { role: 'user', content: 'Where?' },
      { type: 'function_call', call_id: 'c1', name: 'map', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output },
    ];
    const { messages } = await modelRequest(door, { input });
    assert.equal(messages[2].tool_call_id, 'c1');
    assert.deepEqual(messages[2].content[0], { type: 'text', text: 'a map' });
    assert.deepEqual(messages[3], { role: 'user', content: [{ type: 'image_url', image_url: { url: PNG } }] });
  },
);

promise(
  'input.replay',
  { says: 'the output of a turn can be sent back as it came', source: 'docs/edge-cases.md: 21 (vllm#41355)' },
  async (door) => {
    const model = door.model.script(
      sends([{ reasoning_content: 'Hm.' }, { content: 'Calling.' }, toolCall('c9', 'f', '{"a":1}')], 'tool_calls'),
      says('ok'),
    );
    const { output } = await create(door, { model, tools: [{ type: 'function', name: 'f' }] });
    const input = [
      { role: 'user', content: 'Hi' },
      ...output,
      { type: 'function_call_output', call_id: 'c9', output: 'done' },
    ];
    await create(door, { model, input });
    const { messages } = door.model.calls(model)[1]?.body ?? {};
    assert.deepEqual(messages, [
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        content: 'Calling.',
        reasoning_content: 'Hm.',
        tool_calls: [{ id: 'c9', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
      },
      { role: 'tool', tool_call_id: 'c9', content: 'done' },
    ]);
  },
);

promise(
  'input.replay-without-ids',
  {
    says: 'output items with null or absent id, status and annotations are taken',
    source: 'docs/edge-cases.md: 21 (vllm#54224)',
  },
  async (door) => {
    const blank = { id: null, status: null };
    const text = { type: 'output_text', text: 'Hm', annotations: null, logprobs: null };
    const input = [
      { role: 'user', content: 'Hi' },
      { ...blank, type: 'message', role: 'assistant', content: [text] },
      { ...blank, type: 'message', role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
      { ...blank, type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: '', ...blank },
    ];
    const { messages } = await modelRequest(door, { input });
    assert.deepEqual(
      messages.map(({ role, content }: { role: string; content: string }) => [role, content]),
      [
        ['user', 'Hi'],
        ['assistant', 'Hm'],
        ['assistant', 'No.'],
        ['tool', ''],
      ],
    );
  },
);

promise(
  'input.empty-reasoning',
  { says: 'reasoning that says nothing is a no-op', source: 'docs/edge-cases.md: 22 (am17an/llama.cpp#50)' },
  async (door) => {
    for (const reasoning of [
      { summary: [] },
      { summary: null, content: null, encrypted_content: null },
      { id: 'rs_1', summary: [{ type: 'summary_text', text: '' }] },
    ]) {
      const input = [
        { role: 'user', content: 'One' },
        { type: 'reasoning', ...reasoning },
        { role: 'assistant', content: 'Two' },
      ];
      assert.deepEqual((await modelRequest(door, { input })).messages, [
        { role: 'user', content: 'One' },
        { role: 'assistant', content: 'Two' },
      ]);
    }
  },
);

promise(
  'input.unknown-members',
  { says: 'unknown members of items and parts are ignored', source: 'docs/errors.md' },
  async (door) => {
    const input = [{ role: 'user', content: [{ type: 'input_text', text: 'Hi', unheard_of: {} }], extra: 1 }];
    assert.deepEqual((await modelRequest(door, { input })).messages, [{ role: 'user', content: 'Hi' }]);
  },
);

function toolCall(id: string, name: string, args: string) {
  return { tool_calls: [{ index: 0, id, type: 'function', function: { name, arguments: args } }] };
}
