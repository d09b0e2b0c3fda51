import assert from 'node:assert/strict';
import { type Door, post } from '../support/doors/door.ts';
import { callsFunctions, type Script, says } from '../support/model/scripted.ts';
import { tells, text } from '../support/model/scripted-messages.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { callOf, create, refuses, stream } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { have, modelInput } from './state-ask.ts';

const lark = { type: 'grammar', syntax: 'lark', definition: 'start: "*** Begin Patch" LF' };
const fn = (name: string, more: object = {}) => ({
  type: 'function',
  name,
  description: 'd',
  strict: false,
  parameters: {
    type: 'object',
    properties: { cmd: { type: 'string' } },
    required: ['cmd'],
    additionalProperties: false,
  },
  ...more,
});
const told = (role: string, ...texts: string[]) => ({
  type: 'message',
  role,
  content: texts.map((part) => ({ type: 'input_text', text: part })),
});

/** First requests as agents send them, after what they sent to a server that wrote it down, and their sources. */
const firstPrompts: Record<string, object> = {
  // Codex 0.169.0, for a model that it takes for gpt-5.5: test/long/clients-codex.test.ts.
  codex: {
    instructions: 'You are a coding agent.',
    input: [
      told('developer', '<permissions>'),
      told('user', '<environment_context>'),
      told('developer', '<apps>'),
      told('user', 'Hi'),
    ],
    tools: [
      fn('exec_command'),
      { type: 'custom', name: 'apply_patch', description: 'd', format: lark },
      { type: 'tool_search', execution: 'client', description: 'd', parameters: { type: 'object', properties: {} } },
      { type: 'web_search', external_web_access: true, search_content_types: ['text', 'image'] },
      { type: 'image_generation', output_format: 'png' },
      fn('view_image'),
    ],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    reasoning: { effort: 'medium', summary: 'auto' },
    store: false,
    stream: true,
    include: ['reasoning.encrypted_content'],
    prompt_cache_key: '019a0000-0000-7000-8000-000000000000',
    client_metadata: { session_id: 's' },
  },
  // The same for gpt-5.6 and later: its tools are an item.
  'codex, tools as an item': {
    input: [
      {
        type: 'additional_tools',
        role: 'developer',
        tools: [
          { type: 'custom', name: 'exec', description: 'd', format: lark },
          { type: 'namespace', name: 'agents', description: 'd', tools: [fn('spawn_agent'), fn('wait_agent')] },
          { type: 'web_search', external_web_access: false },
          { type: 'image_generation', output_format: 'png' },
        ],
      },
      told('developer', 'You are a coding agent.', '<permissions>'),
      told('user', 'Hi'),
    ],
    tool_choice: 'auto',
    reasoning: { summary: 'auto', context: 'all_turns' },
    store: false,
    stream: true,
    include: ['reasoning.encrypted_content'],
  },
  // https://github.com/cline/cline/blob/main/src/core/api/providers/openai-native.ts
  cline: {
    instructions: 'You are Cline.',
    input: [told('user', '<task>Hi</task>', '<environment_details>')],
    tools: [
      fn('execute_command', { strict: true }),
      { type: 'custom', name: 'apply_patch', description: 'd', format: lark },
      { type: 'web_search_preview' },
    ],
    reasoning: { effort: 'medium', summary: 'auto' },
    stream: true,
  },
};

promise(
  'agents.first-prompt',
  {
    says: 'the first requests of Codex and Cline are answered without a key of the configuration',
    source: 'https://github.com/openai/codex, https://github.com/cline/cline',
  },
  async (door) => {
    for (const [name, body] of Object.entries(firstPrompts)) {
      for (const [backend, { model }] of Object.entries(models(door))) {
        const { final } = await stream(door, { model, ...body });
        assert.equal(final.status, 'completed', `${name}, ${backend}`);
        const tools = JSON.stringify(door.model.calls(model)[0]?.body.tools);
        assert.ok(
          tools.includes('exec') && !/web_search|image_generation/.test(tools),
          `${name}, ${backend}: ${tools}`,
        );
      }
    }
  },
);

const OLLAMA_18286 = 'https://github.com/ollama/ollama/issues/18286';

const envelope = 'Message Type: NEW_TASK\nTask name: /root/child\nSender: /root\nPayload:\n';
const task = (encrypted_content: string) => ({
  type: 'agent_message',
  author: '/root',
  recipient: '/root/child',
  content: [
    { type: 'input_text', text: envelope },
    { type: 'encrypted_content', encrypted_content },
  ],
});
const SEALED = `gAAAAABo${'x-_Y'.repeat(30)}==`;

/** A model on each backend that says `ok`, and what it was last told. */
function models(door: Door): Record<string, { model: string; told(): string }> {
  const named = (model: string) => ({ model, told: () => JSON.stringify(door.model.calls(model).at(-1)?.body) });
  return {
    chat: named(door.model.script(says('ok'))),
    responses: named(door.model.native(answers(message('ok')))),
    openai: named(door.model.openai(answers(message('ok')))),
    anthropic: named(door.model.anthropic(tells(text('ok')))),
  };
}

promise(
  'agents.message',
  { says: 'what one agent writes to another reaches the model as what it says, stored or not', source: OLLAMA_18286 },
  async (door) => {
    const words = JSON.stringify(`${envelope}Count to ten.`);
    for (const [name, { model, told }] of Object.entries(models(door))) {
      for (const store of [true, false]) {
        const input = [
          { role: 'user', content: 'Hi' },
          { ...task('Count to ten.'), id: 'amsg_1' },
        ];
        const { id } = await create(door, { model, input, store });
        assert.ok(told().includes(words), `${name}: ${told()}`);
        assert.doesNotMatch(told(), /agent_message|encrypted_content":"Count/);
        if (!store) continue;
        const { data } = await have<{ data: object[] }>(door, 'GET', `/v1/responses/${id}/input_items?order=asc`);
        assert.partialDeepStrictEqual(data[1], { ...task('Count to ten.'), id: 'amsg_1' });
        await create(door, {
          model,
          previous_response_id: id,
          input: [{ ...task('And back.'), content: 'And back.' }],
        });
        assert.ok(told().includes(words) && told().includes('"And back."'), name);
      }
    }
    const model = door.model.script(says('ok'));
    const parts = ['one', 'two'].map((part) => ({ type: 'input_text', text: part }));
    await create(door, { model, input: [{ type: 'agent_message', content: parts }] });
    assert.deepEqual(callOf(door, model).body.messages, [{ role: 'user', content: 'one\ntwo' }]);
  },
  NEEDS_HEADERS,
);

promise(
  'agents.message-sealed',
  {
    says: "an agent's message that OpenAI has sealed goes back to it, and is refused where nobody can read it",
    source: 'https://github.com/openai/codex/issues/33551',
  },
  async (door) => {
    const { openai, ...others } = models(door);
    const input = [{ role: 'user', content: 'Hi' }, task(SEALED)];
    await create(door, { model: openai?.model, input });
    assert.deepEqual(JSON.parse(openai?.told() ?? '').input[1], task(SEALED));
    for (const { model } of Object.values(others)) {
      const reply = await post(door, { model, input });
      const message = /^input holds an agent_message that another server has sealed/;
      await refuses(reply, { status: 400, code: 'invalid_encrypted_content', param: 'input', message });
      assert.equal(door.model.calls(model).length, 0);
    }
  },
);

/** Calls of built-in tools as small models misform them. */
const misformed: [name: string, args: string][] = [
  ['apply_patch', '{"type":"rename_file"}'],
  ['apply_patch', '{"patch":"*** Begin Patch"}'],
  ['apply_patch', '*** Begin Patch'],
  ['shell', '{"commands":"ls"}'],
  ['shell', '{"command":["ls"]}'],
  ['shell', '["ls"]'],
  ['shell', '{"commands":["ls"'],
  ['local_shell', '{"command":"ls"}'],
  ['computer', '{"actions":7}'],
];
const builtIn = ['apply_patch', 'shell', 'local_shell', 'computer'].map((type) => ({ type }));

promise(
  'agents.misformed-call',
  {
    says: 'a call of a built-in tool with arguments that do not fit it goes back to the model, once',
    source: 'docs/api.md',
  },
  async (door) => {
    for (const [name, args] of misformed) {
      const right: Script = callsFunctions({ name: 'shell', args: '{"commands":["ls"]}', id: 'c2' });
      for (const then of [right, says('I give up.')]) {
        const model = door.model.script(callsFunctions({ name, args, id: 'c1' }), then);
        const { final } = await stream(door, { model, tools: builtIn });
        assert.equal(final.status, 'completed');
        assert.deepEqual(
          final.output.map(({ type }) => type),
          [then === right ? 'shell_call' : 'message'],
        );
        const heard = modelInput(door, model);
        assert.match(heard.at(-1) ?? '', /^tool c1: .*do not fit/s);
      }
    }
  },
);

promise(
  'agents.misformed-again',
  {
    says: 'a call that is misformed again, or beside others, comes to the client as the call of a function that it is',
    source: 'docs/api.md',
  },
  async (door) => {
    const good = { name: 'shell', args: '{"commands":["ls"]}', id: 'c2' };
    for (const [name, args] of misformed) {
      const bad = { name, args, id: 'c1' };
      const again = door.model.script(callsFunctions(bad), callsFunctions(bad), says('ok'));
      const response = await create(door, { model: again, tools: builtIn });
      const called = { type: 'function_call', call_id: 'c1', name, arguments: args, status: 'completed' };
      assert.equal(response.output.length, 1);
      assert.partialDeepStrictEqual(response.output, [called]);
      const output = { type: 'function_call_output', call_id: 'c1', output: 'No.' };
      await create(door, { model: again, tools: builtIn, previous_response_id: response.id, input: [output] });
      const { final } = await stream(door, {
        model: door.model.script(callsFunctions(bad, good)),
        tools: builtIn,
      });
      assert.deepEqual(final.output.map(({ type }) => type).sort(), ['function_call', 'shell_call']);
    }
    const args = '{"commands":"ls"}';
    const called = { type: 'function_call', call_id: 'c1', name: 'shell', arguments: args };
    for (const model of [
      door.model.native(answers(called), answers(called)),
      door.model.anthropic(tells({ type: 'tool_use', id: 'c1', name: 'shell', input: args })),
    ]) {
      const { output } = await create(door, { model, tools: builtIn });
      assert.partialDeepStrictEqual(output, [called]);
      assert.equal(door.model.calls(model).length, 2);
    }
  },
);

promise(
  'agents.misformed-required',
  { says: 'a call that goes back to the model fulfils no tool_choice', source: 'docs/api.md' },
  async (door) => {
    const bad = callsFunctions({ name: 'shell', args: '{}', id: 'c1' });
    const model = door.model.script(bad, callsFunctions({ name: 'shell', args: '{"commands":["ls"]}', id: 'c2' }));
    await create(door, { model, tools: builtIn, tool_choice: 'required' });
    assert.deepEqual(
      door.model.calls(model).map(({ body }) => body.tool_choice),
      ['required', 'required'],
    );
  },
);
