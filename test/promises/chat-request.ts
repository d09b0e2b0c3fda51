import assert from 'node:assert/strict';
import { says } from '../support/model/scripted.ts';
import { callOf, create, modelRequest, stream } from './ask.ts';
import { promise } from './promise.ts';

const schema = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'], additionalProperties: false };
const tools = [
  { type: 'function', name: 'f', description: 'does f', parameters: schema, strict: true },
  { type: 'function', name: 'g' },
];

promise(
  'chat.streamed',
  { says: 'the model is always called streamed, with usage asked for', source: 'docs/backends.md' },
  async (door) => {
    const model = door.model.script(says('Hi'));
    await create(door, { model });
    await stream(door, { model });
    for (const { body } of door.model.calls(model)) {
      assert.equal(body.stream, true);
      assert.deepEqual(body.stream_options, { include_usage: true });
    }
  },
);

promise(
  'chat.minimal',
  { says: 'what the client did not give is not sent', source: 'docs/backends.md' },
  async (door) => {
    const { model, ...rest } = await modelRequest(door, { input: 'Hi' });
    assert.match(model, /^scripted-/);
    assert.deepEqual(rest, {
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      stream_options: { include_usage: true },
    });
  },
);

promise(
  'chat.headers',
  {
    says: 'the call carries the configured key, JSON, and the header that tells a loop',
    source: 'docs/configuration.md',
  },
  async (door) => {
    const model = door.model.script(says('Hi'));
    await create(door, { model });
    const { headers } = callOf(door, model);
    assert.equal(headers.authorization, 'Bearer test-key');
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['x-antiphon-hop'], '1');
  },
);

promise(
  'chat.sampling',
  { says: 'temperature, top_p and max_output_tokens reach the model', source: 'docs/backends.md' },
  async (door) => {
    const body = await modelRequest(door, { temperature: 0, top_p: 0.5, max_output_tokens: 99 });
    assert.partialDeepStrictEqual(body, { temperature: 0, top_p: 0.5, max_tokens: 99 });
  },
);

promise(
  'chat.reasoning',
  { says: 'reasoning.effort and text.verbosity reach the model', source: 'docs/backends.md' },
  async (door) => {
    const body = await modelRequest(door, { reasoning: { effort: 'high' }, text: { verbosity: 'low' } });
    assert.partialDeepStrictEqual(body, { reasoning_effort: 'high', verbosity: 'low' });
  },
);

promise(
  'chat.tools',
  { says: 'function tools, their choice and parallel_tool_calls reach the model', source: 'docs/backends.md' },
  async (door) => {
    const body = await modelRequest(door, { tools, parallel_tool_calls: false });
    assert.deepEqual(body.tools, [
      { type: 'function', function: { name: 'f', description: 'does f', parameters: schema, strict: true } },
      { type: 'function', function: { name: 'g' } },
    ]);
    assert.equal(body.tool_choice, 'auto');
    assert.equal(body.parallel_tool_calls, false);
  },
);

promise(
  'chat.strict',
  { says: 'an omitted strict is echoed as a boolean and not sent', source: 'docs/edge-cases.md: 25 (vercel/ai#11869)' },
  async (door) => {
    const model = door.model.script(says('Hi'));
    const response = await create(door, { model, tools });
    assert.deepEqual(
      response.tools.map((tool) => tool.type === 'function' && tool.strict),
      [true, false],
    );
    assert.ok(!('strict' in callOf(door, model).body.tools[1].function));
  },
);

promise(
  'chat.tool-choice',
  {
    says: 'none sends no tools; a named function is sent alone and required',
    source: 'test/fixtures/: recorded of llama.cpp ignores a name, vLLM ignores none',
  },
  async (door) => {
    assert.equal((await modelRequest(door, { tools, tool_choice: 'required' })).tool_choice, 'required');
    const none = await modelRequest(door, { tools, tool_choice: 'none' });
    assert.ok(!('tools' in none) && !('tool_choice' in none));
    const named = await modelRequest(door, { tools, tool_choice: { type: 'function', name: 'g' } });
    assert.deepEqual(named.tools, [{ type: 'function', function: { name: 'g' } }]);
    assert.equal(named.tool_choice, 'required');
  },
);

promise(
  'chat.tool-choice-echo',
  { says: 'the Response echoes tool_choice and tools as they were asked', source: 'openai 7.57.0 types: Response' },
  async (door) => {
    const model = door.model.script(says('Hi'));
    const tool_choice = { type: 'function', name: 'g' };
    const response = await create(door, { model, tools, tool_choice });
    assert.deepEqual(response.tool_choice, tool_choice);
    assert.equal(response.tools.length, 2);
  },
);

promise(
  'chat.format',
  { says: 'text.format becomes response_format, its schema unchanged', source: 'docs/backends.md' },
  async (door) => {
    const format = { type: 'json_schema', name: 'answer', schema, strict: true, description: 'an answer' };
    const model = door.model.script(says('{"a":1}'));
    const response = await create(door, { model, text: { format } });
    assert.deepEqual(response.text?.format, format);
    assert.deepEqual(callOf(door, model).body.response_format, {
      type: 'json_schema',
      json_schema: { name: 'answer', schema, strict: true, description: 'an answer' },
    });
    const object = await modelRequest(door, { text: { format: { type: 'json_object' } } });
    assert.deepEqual(object.response_format, { type: 'json_object' });
  },
);
