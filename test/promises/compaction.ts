import assert from 'node:assert/strict';
import type OpenAI from 'openai';
import type { Door } from '../support/doors/door.ts';
import { callsFunctions, failsMidway, replies, type Script, says, sends } from '../support/model/scripted.ts';
import { tells, text } from '../support/model/scripted-messages.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { callOf, create, isRefused, refuses, stream, unprocessable } from './ask.ts';
import { begin, ended } from './background.ts';
import { NEEDS_HEADERS, NEEDS_TEST_TOOL, promise } from './promise.ts';
import {
  ask,
  conversation,
  have,
  type Item,
  type List,
  modelInput,
  nowhere,
  stored,
  turnRefused,
} from './state-ask.ts';

type Compacted = OpenAI.Responses.CompactedResponse;

const SUMMARY = 'user: Summary of the conversation so far:\n\nThey said hello.';
const trigger = { type: 'compaction_trigger' };
const talk = [
  { role: 'user', content: 'Hello.' },
  { role: 'assistant', content: 'Hello, you.' },
  { role: 'user', content: 'How are you?' },
];

function compact(door: Door, body: object): Promise<Compacted> {
  return have(door, 'POST', '/v1/responses/compact', body);
}

promise(
  'compact.endpoint',
  {
    says: 'the compact endpoint gives what the user said and one sealed item, and keeps nothing',
    source: 'openai 7.57.0 types: CompactedResponse',
  },
  async (door) => {
    const model = door.model.script(says('They said', ' hello.'));
    const { id, created_at, output, usage, ...rest } = await compact(door, {
      model,
      input: talk,
      instructions: 'Be kind.',
    });
    assert.deepEqual(rest, { object: 'response.compaction' });
    assert.match(id, /^resp_/);
    assert.ok(Math.abs(created_at - Date.now() / 1000) < 60);
    assert.equal(usage.total_tokens, 18);
    assert.deepEqual(
      output.map((item) => ('role' in item ? `${item.role}` : item.type)),
      ['user', 'user', 'compaction'],
    );
    assert.doesNotMatch(JSON.stringify(output.at(-1)), /They said/);
    const [system, ...messages] = modelInput(door, model);
    assert.match(system ?? '', /^system: You are compacting[\s\S]*Be kind\.$/);
    assert.deepEqual(messages.slice(0, 3), ['user: Hello.', 'assistant: Hello, you.', 'user: How are you?']);
    assert.equal(messages.length, 4);
    await nowhere(door, `GET /v1/responses/${id}`);
  },
  NEEDS_HEADERS,
);

promise(
  'compact.input',
  { says: 'its output is an input: the model reads the summary in place of the rest', source: 'docs/compaction.md' },
  async (door) => {
    const model = door.model.script(says('They said hello.'), says('Fine.'));
    const { output } = await compact(door, { model, input: talk });
    await create(door, { model, input: [...output, { role: 'user', content: 'And now?' }] });
    assert.deepEqual(modelInput(door, model), ['user: Hello.', 'user: How are you?', SUMMARY, 'user: And now?']);
  },
);

promise(
  'compact.previous',
  { says: 'it takes a previous response, and its model', source: 'docs/compaction.md' },
  async (door) => {
    const model = door.model.script(says('Hello, you.'), says('They said hello.'));
    const first = await create(door, { model, input: 'Hello.' });
    const { output } = await compact(door, { model: null, previous_response_id: first.id });
    assert.equal(output.length, 2);
    assert.deepEqual(modelInput(door, model).slice(1, 3), ['user: Hello.', 'assistant: Hello, you.']);
  },
);

promise(
  'compact.hints',
  { says: 'cache keys and the service tier reach the backend', source: 'docs/compaction.md' },
  async (door) => {
    const model = door.model.openai(answers(message('They said hello.')));
    const hints = { prompt_cache_key: 'k', prompt_cache_retention: '24h', service_tier: 'flex' };
    await compact(door, { model, input: talk, ...hints, prompt_cache_options: { mode: 'explicit', ttl: '30m' } });
    assert.partialDeepStrictEqual(callOf(door, model).body, hints);
  },
);

promise(
  'compact.tools',
  {
    says: 'the tools and the reasoning that Codex sends along reach the backend, and nothing can be called',
    source: 'Codex 0.128.0, as it was seen to ask',
  },
  async (door) => {
    const model = door.model.anthropic(tells(text('They said hello.')));
    const parameters = { type: 'object', properties: {} };
    const tools = [{ type: 'function', name: 'f', parameters }];
    const called = [
      { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c', output: '21 degrees' },
    ];
    const more = { tools, parallel_tool_calls: false, reasoning: { effort: 'low' } };
    await compact(door, { model, input: [...talk, ...called], ...more });
    assert.partialDeepStrictEqual(callOf(door, model).body, {
      tools: [{ name: 'f', input_schema: parameters }],
      tool_choice: { type: 'none' },
      output_config: { effort: 'low' },
    });
  },
);

promise(
  'compact.wrong',
  { says: 'without model or input, or with a wrong one, it is refused by name', source: 'docs/compaction.md' },
  async (door) => {
    const post = (body: object) => ask(door, 'POST', '/v1/responses/compact', body);
    const model = door.model.script(() => assert.fail('the model is not called'));
    await refuses(await post({ input: talk }), { status: 422, code: 422, param: 'model' });
    await refuses(await post({ model }), { status: 422, code: 422, param: 'input' });
    await refuses(await post({ model, input: [] }), { status: 422, code: 422, param: 'input' });
    await refuses(await post({ model, input: 7 }), { status: 422, code: 422, param: 'input' });
    const image = { context_compression: 'enabled' };
    await refuses(await post({ model, input: talk, image }), { status: 422, code: 422, param: 'image' });
    await refuses(await post({ model: 'nobody', input: talk }), {
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
    const unknown = { status: 400, code: 'previous_response_not_found', param: 'previous_response_id' };
    await refuses(await post({ model: null, previous_response_id: 'resp_x' }), unknown);
  },
);

promise(
  'compact.failed',
  { says: 'a summary that is cut, empty or fails is an error', source: 'docs/compaction.md' },
  async (door) => {
    for (const script of [sends([{ content: 'They' }], 'length'), says(''), failsMidway({ code: 500 })]) {
      const reply = await ask(door, 'POST', '/v1/responses/compact', { model: door.model.script(script), input: talk });
      await refuses(reply, { status: 500, code: 500 });
      const { final } = await stream(door, { model: door.model.script(script), input: [...talk, trigger] });
      assert.equal(final.status, 'failed');
    }
    await isRefused(door, replies(500, 'no'), { status: 500, code: 500 }, { input: [...talk, trigger] });
  },
);

promise('compact.client', { says: 'openai: responses.compact', source: 'openai 7.57.0' }, async (door) => {
  const model = door.model.script(says('They said hello.'));
  const { output } = await door.client.responses.compact({ model, input: 'Hello.' });
  assert.equal(output.at(-1)?.type, 'compaction');
});

promise(
  'compaction.trigger',
  {
    says: 'a compaction_trigger at the end makes one compaction item and nothing else, with events while it is made',
    source: 'docs/compaction.md',
  },
  async (door) => {
    const model = door.model.script(says('They said', ' hello.'), says('Fine.'));
    const { events, final } = await stream(door, { model, input: [...talk, trigger] });
    assert.deepEqual(
      events.map(({ type }) => type.replace('response.', '')),
      [
        'created',
        'in_progress',
        'output_item.added',
        'compaction.compacting',
        'compaction.compacting',
        'output_item.done',
        'completed',
      ],
    );
    assert.deepEqual(
      final.output.map(({ type }) => type),
      ['compaction'],
    );
    assert.equal(final.usage?.total_tokens, 18);
    assert.deepEqual(await stored(door, final.id), final);
    const { data } = await have<List>(door, 'GET', `/v1/responses/${final.id}/input_items`);
    assert.equal(data.length, 3, 'the trigger is no item');
    await create(door, { model, input: [...final.output, { role: 'user', content: 'And now?' }], store: false });
    assert.deepEqual(modelInput(door, model), [SUMMARY, 'user: And now?']);
  },
  NEEDS_HEADERS,
);

promise(
  'compaction.trigger-place',
  { says: 'a trigger anywhere else is 422, and so is one of nothing', source: 'docs/compaction.md' },
  async (door) => {
    await unprocessable(door, { input: [trigger, ...talk] }, 'input[0].type');
    await unprocessable(door, { input: [...talk, trigger, trigger] }, 'input[3].type');
    await unprocessable(door, { input: [trigger] }, 'input');
    const reply = await ask(door, 'POST', '/v1/conversations', { items: [...talk, trigger] });
    await refuses(reply, { status: 422, code: 422, param: 'items[3].type' });
  },
);

promise(
  'compaction.thinking',
  {
    says: 'the reasoning of a model that writes a summary becomes compacting events too, so that it does not count as silence',
    source: 'docs/compaction.md',
  },
  async (door) => {
    const model = door.model.script(
      sends([{ reasoning_content: 'Well,' }, { reasoning_content: ' well.' }, { content: 'Hi.' }]),
    );
    const { events, final } = await stream(door, { model, input: [...talk, trigger] });
    assert.equal(events.filter(({ type }) => type === 'response.compaction.compacting').length, 3);
    assert.deepEqual(
      final.output.map(({ type }) => type),
      ['compaction'],
    );
  },
);

promise(
  'compaction.overflow',
  {
    says: 'if the input of a summary is larger than the context, the oldest items are left out, but never the last one',
    source: 'docs/compaction.md',
  },
  async (door) => {
    const model = door.model.script(says('They said hello.'));
    const long = 'x'.repeat(3_000);
    const called = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' };
    const output = { type: 'function_call_output', call_id: 'c', output: long };
    for (const [last, ...told] of [
      [[{ role: 'user', content: long }], `user: ${long}`],
      [[called, output], 'assistant: f {} #c', `tool c: ${long}`],
    ] as const) {
      await compact(door, { model, input: [...talk, ...last] });
      const [, ...read] = modelInput(door, model);
      assert.deepEqual(read.slice(0, -1), told);
    }
  },
);

promise(
  'compaction.endless',
  { says: 'a summary without an end is cut off, and nothing is compacted', source: 'docs/compaction.md' },
  async (door) => {
    const script: Script = async (turn) => {
      for (let n = 0; n < 40; n++) await turn.text('x'.repeat(64 * 1024));
      await turn.finish();
    };
    const input = [...talk, trigger];
    const reply = await ask(door, 'POST', '/v1/responses', { model: door.model.script(script), input });
    await refuses(reply, { status: 500, code: 500 });
  },
);

promise(
  'compaction.chain',
  { says: 'a chain is read from its latest compaction on', source: 'docs/compaction.md' },
  async (door) => {
    const model = door.model.script(says('Hello, you.'), says('They said hello.'), says('Fine.'), says('Well.'));
    const first = await create(door, { model, input: 'Hello.' });
    const second = await create(door, { model, input: [trigger], previous_response_id: first.id });
    const third = await create(door, { model, input: 'And now?', previous_response_id: second.id });
    assert.deepEqual(modelInput(door, model), [SUMMARY, 'user: And now?']);
    await create(door, { model, input: 'And then?', previous_response_id: third.id });
    assert.deepEqual(modelInput(door, model), [SUMMARY, 'user: And now?', 'assistant: Fine.', 'user: And then?']);
  },
);

promise(
  'compaction.conversation',
  { says: 'a conversation is read from its latest compaction on', source: 'docs/compaction.md' },
  async (door) => {
    const id = await conversation(door, { items: talk });
    const model = door.model.script(says('They said hello.'), says('Fine.'), says('Well.'));
    await create(door, { model, conversation: id, input: [trigger] });
    const next = await create(door, { model, conversation: id, input: 'And now?' });
    assert.deepEqual(modelInput(door, model), [SUMMARY, 'user: And now?']);
    await create(door, { model, previous_response_id: next.id, input: 'And then?' });
    assert.deepEqual(modelInput(door, model), [SUMMARY, 'user: And now?', 'assistant: Fine.', 'user: And then?']);
    const { data } = await have<List>(door, 'GET', `/v1/conversations/${id}/items?order=asc`);
    assert.deepEqual(
      data.map(({ type, role }: Item) => role ?? type),
      ['user', 'assistant', 'user', 'compaction', 'user', 'assistant'],
    );
  },
  NEEDS_HEADERS,
);

promise(
  'compaction.deleted',
  {
    says: 'a conversation whose compaction was deleted is read from its beginning again',
    source: 'docs/compaction.md',
  },
  async (door) => {
    const id = await conversation(door, { items: talk });
    const model = door.model.script(says('They said hello.'), says('Fine.'));
    const { output } = await create(door, { model, conversation: id, input: [trigger] });
    await have(door, 'DELETE', `/v1/conversations/${id}/items/${output[0]?.id}`);
    await create(door, { model, conversation: id, input: 'And now?' });
    assert.deepEqual(modelInput(door, model), [
      'user: Hello.',
      'assistant: Hello, you.',
      'user: How are you?',
      'user: And now?',
    ]);
  },
  NEEDS_HEADERS,
);

promise(
  'compaction.managed',
  {
    says: 'context_management answers, and then compacts what has grown beyond its threshold, with nothing between its added and done',
    source: "recordings: OpenAI's service, in the tests of its clients",
  },
  async (door) => {
    const model = door.model.script(says('Fine.'), says('They said hello.'), says('Well.'));
    const long = { role: 'user', content: 'x'.repeat(6_000) };
    const context_management = [{ type: 'compaction', compact_threshold: 1_000 }];
    const { events, final } = await stream(door, { model, input: [long, ...talk], context_management });
    assert.deepEqual(
      final.output.map(({ type }) => type),
      ['message', 'compaction'],
    );
    assert.equal(final.usage?.total_tokens, 36);
    assert.match(modelInput(door, model).slice(-2).join(), /^assistant: Fine\.,user: Now write the summary/);
    assert.deepEqual(await stored(door, final.id), final);
    assert.deepEqual(
      events.slice(-3).map(({ type }) => type),
      ['response.output_item.added', 'response.output_item.done', 'response.completed'],
    );
    await create(door, { model, previous_response_id: final.id, input: 'And now?', context_management });
    assert.deepEqual(modelInput(door, model), [SUMMARY, 'user: And now?']);
  },
  NEEDS_HEADERS,
);

promise(
  'compaction.left',
  {
    says: 'an answer stays as it is where its conversation cannot be compacted: calls wait for the client, it was cut, the summary fails',
    source: 'docs/compaction.md',
  },
  async (door) => {
    const context_management = [{ type: 'compaction', compact_threshold: 1 }];
    const tools = [{ type: 'function', name: 'f', parameters: {} }];
    const calls = callsFunctions({ name: 'f', args: '{}', id: 'c1' });
    for (const [script, status, type] of [
      [calls, 'completed', 'function_call'],
      [sends([{ content: 'Hel' }], 'length'), 'incomplete', 'message'],
      [says('Fine.'), 'completed', 'message'],
    ] as const) {
      const model = door.model.script(script, replies(500, {}));
      const { final } = await stream(door, { model, tools, context_management });
      assert.deepEqual([final.status, final.output.map((item) => item.type)], [status, [type]]);
      assert.equal(final.usage?.total_tokens, 18);
    }
  },
);

promise(
  'compaction.too-long',
  { says: 'an input that the model cannot read is compacted before the answer', source: 'docs/compaction.md' },
  async (door) => {
    const error = { code: 'context_length_exceeded', message: 'too long', type: 'invalid_request_error' };
    const context_management = [{ type: 'compaction', compact_threshold: 1 }];
    for (const how of [{ stream: false }, { stream: true }]) {
      const model = door.model.script(replies(400, { error }), says('They said hello.'), says('Fine.'));
      const { output } = how.stream
        ? (await stream(door, { model, input: talk, context_management })).final
        : await create(door, { model, input: talk, context_management });
      assert.deepEqual(
        output.map(({ type }) => type),
        ['compaction', 'message'],
      );
      assert.deepEqual(modelInput(door, model), [SUMMARY, 'user: How are you?']);
    }
  },
);

promise(
  'compaction.below',
  { says: 'context_management leaves alone what is below its threshold', source: 'docs/compaction.md' },
  async (door) => {
    const model = door.model.script(says('Fine.'));
    const context_management = [{ type: 'compaction', compact_threshold: 100_000 }];
    const { output } = await create(door, { model, input: talk, context_management });
    assert.equal(output.length, 1);
    await unprocessable(door, { context_management: [{ type: 'other' }] }, 'context_management[0].type');
    const wrong = [{ type: 'compaction', compact_threshold: 0 }];
    await unprocessable(door, { context_management: wrong }, 'context_management[0].compact_threshold');
  },
);

promise(
  'compaction.loop',
  { says: 'a compaction comes after the tool loop', source: 'docs/compaction.md' },
  async (door) => {
    const add = callsFunctions({ name: 'add', args: '{"a":1,"b":2}' });
    const model = door.model.script(add, says('3'), says('They said hello.'));
    const context_management = [{ type: 'compaction', compact_threshold: 1 }];
    const tools = [{ type: 'test_tool' }];
    const { final } = await stream(door, { model, input: talk, context_management, tools });
    assert.deepEqual(
      final.output.map(({ type }) => type),
      ['mcp_call', 'message', 'compaction'],
    );
    assert.equal(final.usage?.total_tokens, 54);
    assert.match(modelInput(door, model).join('\n'), /tool \S+: 3\nassistant: 3\nuser: Now write/);
  },
  NEEDS_TEST_TOOL,
);

promise(
  'compaction.background',
  { says: 'a background turn compacts as any other', source: 'docs/compaction.md' },
  async (door) => {
    const { id } = await begin(door, says('They said hello.'), { input: [...talk, trigger] });
    const { output, status } = await ended(door, id);
    assert.deepEqual([status, output.map(({ type }) => type)], ['completed', ['compaction']]);
  },
  NEEDS_HEADERS,
);

promise(
  'compaction.messages-api',
  {
    says: 'a conversation that the assistant ended is summed up on every backend',
    source: 'Codex, which compacts after an answer',
  },
  async (door) => {
    const model = door.model.anthropic(tells(text('They said hello.')));
    const { output } = await create(door, { model, input: [...talk.slice(0, 2), trigger] });
    assert.deepEqual(
      output.map(({ type }) => type),
      ['compaction'],
    );
  },
);

promise(
  'compaction.instructions',
  {
    says: 'system and developer messages stay as they were, in the turn that compacts and in those after it',
    source: 'docs/compaction.md',
  },
  async (door) => {
    const model = door.model.script(says('Bonjour.'), says('Bien.'), says('They said hello.'), says('Adieu.'));
    const french = { role: 'developer', content: 'Always answer in French.' };
    const first = await create(door, { model, input: [french, ...talk] });
    const context_management = [{ type: 'compaction', compact_threshold: 1 }];
    const second = await create(door, { model, previous_response_id: first.id, input: 'Well?', context_management });
    const before = ['system: Always answer in French.', SUMMARY];
    const third = await create(door, { model, previous_response_id: second.id, input: 'And now?' });
    assert.deepEqual(modelInput(door, model), [...before, 'user: And now?']);
    await create(door, {
      model,
      previous_response_id: third.id,
      input: [{ ...french }, { role: 'user', content: 'Bye.' }],
    });
    assert.equal(
      modelInput(door, model).filter((words) => words === before[0]).length,
      1,
      'what stands is not said twice',
    );
  },
  NEEDS_HEADERS,
);

promise(
  'compaction.unreadable',
  {
    says: 'a compaction that was sealed elsewhere or changed is 400 invalid_encrypted_content',
    source: 'docs/configuration.md: secrets',
  },
  async (door) => {
    const model = door.model.script(says('They said hello.'));
    const { output } = await compact(door, { model, input: talk });
    const item = output.at(-1) as { encrypted_content: string };
    const changed = { ...item, encrypted_content: `${item.encrypted_content.slice(0, -6)}AAAAAA` };
    const unread = { status: 400, code: 'invalid_encrypted_content', param: 'input' };
    await turnRefused(door, { input: [changed, ...talk] }, unread);
  },
);

promise(
  'compaction.foreign',
  {
    says: "what OpenAI has sealed is 422 for a backend that is not OpenAI's",
    source: 'docs/compaction.md',
  },
  async (door) => {
    await unprocessable(door, { input: [{ type: 'compaction', encrypted_content: 'gAAAA' }, ...talk] }, 'input');
  },
);
