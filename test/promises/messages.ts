import assert from 'node:assert/strict';
import type { Json } from '../support/accumulate.ts';
import { type Door, post } from '../support/doors/door.ts';
import { type Block, errorOf, halves, tells, text } from '../support/model/scripted-messages.ts';
import { outline } from '../support/sse.ts';
import { callOf, create, stream } from './ask.ts';
import { NEEDS_LIVE, NEEDS_TEST_TOOL, promise } from './promise.ts';

const tools = [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }];
const call = (id: string, input = '{"a": 1}', name = 'f'): Block => ({ type: 'tool_use', id, name, input });
const thought: Block = { type: 'thinking', thinking: 'First this 🙂.', signature: 'c2lnbmVk' };
const redacted: Block = { type: 'redacted_thinking', data: 'c2VhbGVk' };
const user = (words: string) => ({ role: 'user', content: [text(words)] });

/** The body of a model's call, counted from 0. */
function bodyOf(door: Door, model: string, index: number): Json {
  return door.model.calls(model)[index]?.body ?? assert.fail(`a call ${index}`);
}

promise(
  'anthropic.text',
  {
    says: "a model behind Anthropic's Messages API is asked there, always for a stream, in its version and with its key",
    source: 'Messages API: Create a message',
  },
  async (door) => {
    const model = door.model.anthropic(tells(text('Hello world')));
    const response = await create(door, { model, instructions: 'Be brief.', temperature: 0.5, user: 'u' });
    assert.partialDeepStrictEqual(response, {
      status: 'completed',
      model,
      output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hello world' }] }],
    });
    const { path, headers, body } = callOf(door, model);
    assert.equal(path, '/v1/messages');
    assert.equal(headers['anthropic-version'], '2023-06-01');
    assert.equal(headers['x-api-key'], 'test-key');
    assert.equal(headers.authorization, undefined);
    assert.equal(headers['x-antiphon-hop'], '1');
    assert.deepEqual(body, {
      model,
      max_tokens: 64_000,
      stream: true,
      system: [text('Be brief.')],
      messages: [user('Hi')],
      temperature: 0.5,
      metadata: { user_id: 'u' },
    });
  },
);

promise(
  'anthropic.stream',
  {
    says: "its events come in OpenAI's order, with ids and places of our own; pings say nothing",
    source: 'Messages API: Streaming messages',
  },
  async (door) => {
    const model = door.model.anthropic(tells(text('Hello world'), call('toolu_1')));
    const { events, final } = await stream(door, { model, tools });
    assert.deepEqual(outline(events), [
      'created',
      'in_progress',
      'output_item.added 0 message in_progress',
      'content_part.added 0.0 output_text',
      'output_text.delta 0.0 Hello',
      'output_text.delta 0.0  world',
      'output_text.done 0.0 Hello world',
      'content_part.done 0.0 output_text',
      'output_item.done 0 message completed',
      'output_item.added 1 function_call in_progress',
      'function_call_arguments.delta 1 {"a":',
      'function_call_arguments.delta 1  1}',
      'function_call_arguments.done 1 f {"a": 1}',
      'output_item.done 1 function_call completed',
      'completed',
    ]);
    for (const { id } of final.output) assert.match(id ?? '', /^(msg|fc)_[\da-f]{48}$/);
  },
);

promise(
  'anthropic.live',
  { says: 'its text arrives while the model writes it', source: 'Messages API: Streaming messages' },
  async (door) => {
    const arrived = Promise.withResolvers<void>();
    const [first, second] = halves('first second', ' second');
    const model = door.model.anthropic(async (turn) => {
      await turn.raw(first);
      await arrived.promise;
      await turn.raw(second);
      turn.end();
    });
    const reply = await post(door, { model, input: 'Hi', stream: true });
    let whole = '';
    const chunks = reply.body?.pipeThrough(new TextDecoderStream()) ?? assert.fail('a body');
    for await (const chunk of chunks) {
      whole += chunk;
      if (whole.includes('"delta":"first"')) arrived.resolve();
    }
    assert.match(whole, /"delta":" second"/);
  },
  NEEDS_LIVE,
);

promise(
  'anthropic.tool-turns',
  {
    says: 'its parallel calls are answered by previous_response_id, all in one message',
    source: 'Messages API: Handle tool calls',
  },
  async (door) => {
    const model = door.model.anthropic(
      tells(text('Let me see.'), call('toolu_1'), call('toolu_2', '')),
      tells(text('Both.')),
    );
    const first = await create(door, { model, tools });
    const output = (call_id: string) => ({ type: 'function_call_output', call_id, output: `of ${call_id}` });
    const input = [output('toolu_1'), { role: 'user', content: 'Well?' }, output('toolu_2')];
    const last = await create(door, { model, tools, previous_response_id: first.id, input });
    assert.equal(last.previous_response_id, first.id);
    const { messages, ...asked } = bodyOf(door, model, 1);
    assert.ok(!('previous_response_id' in asked));
    const { name, parameters: input_schema } = tools[0] ?? {};
    assert.deepEqual(asked.tools, [{ name, input_schema }]);
    const use = (id: string, given: object) => ({ type: 'tool_use', id, name: 'f', input: given });
    const result = (tool_use_id: string) => ({ type: 'tool_result', tool_use_id, content: `of ${tool_use_id}` });
    assert.deepEqual(messages, [
      user('Hi'),
      { role: 'assistant', content: [text('Let me see.'), use('toolu_1', { a: 1 }), use('toolu_2', {})] },
      { role: 'user', content: [result('toolu_1'), result('toolu_2'), text('Well?')] },
    ]);
  },
);

promise(
  'anthropic.custom-tool',
  { says: 'tools other than functions are shown to it as functions', source: 'Messages API: Handle tool calls' },
  async (door) => {
    const custom = { type: 'custom', name: 'run_sql' };
    const model = door.model.anthropic(tells(call('toolu_1', '{"input": "select 1"}', 'run_sql')), tells(text('1')));
    const { id, output } = await create(door, { model, tools: [custom], tool_choice: custom });
    assert.partialDeepStrictEqual(output, [{ type: 'custom_tool_call', call_id: 'toolu_1', input: 'select 1' }]);
    const { tools: shown, tool_choice } = bodyOf(door, model, 0);
    assert.deepEqual([shown[0].name, tool_choice], ['run_sql', { type: 'tool', name: 'run_sql' }]);
    const outputs = [{ type: 'custom_tool_call_output', call_id: 'toolu_1', output: 'one' }];
    await create(door, { model, tools: [custom], previous_response_id: id, input: outputs });
    assert.partialDeepStrictEqual(bodyOf(door, model, 1).messages[1], {
      content: [{ type: 'tool_use', name: 'run_sql', input: { input: 'select 1' } }],
    });
  },
);

promise(
  'anthropic.tool-loop',
  {
    says: "server-side tools work with it, and its thinking goes back with a tool's result",
    source: 'Messages API: Handle tool calls',
  },
  async (door) => {
    const model = door.model.anthropic(tells(thought, call('toolu_1', '{"a":1,"b":2}', 'add')), tells(text('3')));
    const { output } = await create(door, { model, tools: [{ type: 'test_tool' }] });
    assert.deepEqual(
      output.map(({ type }) => type),
      ['reasoning', 'mcp_call', 'message'],
    );
    assert.deepEqual(bodyOf(door, model, 1).messages.slice(1), [
      {
        role: 'assistant',
        content: [thought, { type: 'tool_use', id: 'toolu_1', name: 'add', input: { a: 1, b: 2 } }],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: '3' }] },
    ]);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'anthropic.thinking',
  {
    says: 'its thinking is shown, and goes back to it signed and unchanged, what is redacted as well',
    source: 'Messages API: Preserved thinking',
  },
  async (door) => {
    const model = door.model.anthropic(tells(thought, redacted, text('Yes')), tells(text('ok')));
    const { final, events } = await stream(door, { model, reasoning: { effort: 'high', summary: 'auto' } });
    assert.partialDeepStrictEqual(final.output, [
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'First this 🙂.' }] },
      { type: 'reasoning', summary: [] },
      { type: 'message' },
    ]);
    const deltas = events.filter(({ type }) => type === 'response.reasoning_summary_text.delta');
    assert.equal(deltas.length, 3);
    const { thinking, output_config } = bodyOf(door, model, 0);
    assert.deepEqual([thinking, output_config], [{ type: 'adaptive', display: 'summarized' }, { effort: 'high' }]);
    await create(door, { model, previous_response_id: final.id });
    const [, assistant] = bodyOf(door, model, 1).messages;
    assert.deepEqual(assistant, { role: 'assistant', content: [thought, redacted, text('Yes')] });
  },
);

promise(
  'anthropic.thinking-carried',
  {
    says: 'a client that keeps nothing here carries its thinking, of which the sealed content is enough; what others have sealed is left out',
    source: 'openai 7.57.0 types: ResponseIncludable',
  },
  async (door) => {
    const model = door.model.anthropic(tells(thought, text('Yes')), tells(text('ok')));
    const asked = { model, store: false, include: ['reasoning.encrypted_content'] };
    const { output } = await create(door, asked);
    const [reasoning, message] = output;
    assert.ok(reasoning?.type === 'reasoning' && reasoning.encrypted_content);
    const { encrypted_content } = reasoning;
    const sealed = (seal: string) => ({ type: 'reasoning', summary: [], encrypted_content: seal });
    const input = [{ role: 'user', content: 'Hi' }, sealed(encrypted_content), sealed('gAAA'), message];
    await create(door, { ...asked, input: [...input, { role: 'user', content: 'So?' }] });
    const { messages } = bodyOf(door, model, 1);
    assert.deepEqual(messages[1], { role: 'assistant', content: [thought, text('Yes')] });
  },
);

promise(
  'anthropic.thinking-refused',
  {
    says: 'a request refused for the thinking in it is sent once more without: clients may change instructions and tools',
    source: 'Messages API: Preserved thinking',
  },
  async (door) => {
    const bound = 'messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to another.';
    const model = door.model.anthropic(
      tells(thought, text('Yes')),
      (turn) => turn.reply(400, errorOf('invalid_request_error', bound)),
      tells(text('Still yes')),
    );
    const { id } = await create(door, { model });
    const { output } = await create(door, { model, previous_response_id: id, instructions: 'Be brief.' });
    assert.partialDeepStrictEqual(output, [{ content: [{ text: 'Still yes' }] }]);
    assert.deepEqual(bodyOf(door, model, 1).messages[1].content, [thought, text('Yes')]);
    assert.deepEqual(bodyOf(door, model, 2).messages[1].content, [text('Yes')]);
  },
);

promise(
  'anthropic.parts',
  { says: 'images and files go to it by URL and as data', source: 'Messages API: PDF support' },
  async (door) => {
    const model = door.model.anthropic(tells(text('ok')));
    const content = [
      { type: 'input_image', image_url: 'https://a.example/b.png' },
      { type: 'input_image', image_url: 'data:image/png;base64,AAAA' },
      { type: 'input_file', file_url: 'https://a.example/b.pdf' },
      { type: 'input_file', filename: 'c.txt', file_data: 'data:text/plain;base64,SGk=' },
    ];
    await create(door, { model, input: [{ role: 'user', content }] });
    assert.deepEqual(bodyOf(door, model, 0).messages[0].content, [
      { type: 'image', source: { type: 'url', url: 'https://a.example/b.png' } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
      { type: 'document', source: { type: 'url', url: 'https://a.example/b.pdf' } },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Hi' }, title: 'c.txt' },
    ]);
  },
);

promise(
  'anthropic.format',
  { says: 'a JSON schema is sent as output_config', source: 'Messages API: Structured outputs' },
  async (door) => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'number' } },
      required: ['a'],
      additionalProperties: false,
    };
    const model = door.model.anthropic(tells(text('{"a":1}')));
    await create(door, { model, text: { format: { type: 'json_schema', name: 'answer', schema, strict: true } } });
    assert.deepEqual(bodyOf(door, model, 0).output_config, { format: { type: 'json_schema', schema } });
  },
);

promise(
  'anthropic.cache',
  {
    says: 'what a client wants cached is marked for it, a breakpoint in the text as well',
    source: 'Messages API: Prompt caching',
  },
  async (door) => {
    const model = door.model.anthropic(tells(text('ok')));
    const mark = { prompt_cache_breakpoint: { mode: 'explicit' } };
    const content = [
      { type: 'input_text', text: 'long', ...mark },
      { type: 'input_text', text: 'short' },
    ];
    const input = [{ role: 'user', content }];
    await create(door, { model, input, prompt_cache_key: 'k', prompt_cache_retention: '24h' });
    const { cache_control, messages } = bodyOf(door, model, 0);
    assert.deepEqual(cache_control, { type: 'ephemeral', ttl: '1h' });
    assert.deepEqual(messages[0].content, [{ ...text('long'), cache_control }, text('short')]);
    await create(door, { model, input });
    const second = bodyOf(door, model, 1);
    assert.ok(!('cache_control' in second));
    assert.deepEqual(second.messages[0].content[0].cache_control, { type: 'ephemeral' });
  },
);
