import assert from 'node:assert/strict';
import type { Door } from '../support/doors/door.ts';
import { replies, type Script, says } from '../support/model/scripted.ts';
import { errorOf, tells, text } from '../support/model/scripted-messages.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { callOf, create, refuses } from './ask.ts';
import { count, countRequest, sameRefusal } from './input-tokens-ask.ts';
import { NEEDS_HEADERS, NEEDS_TEST_TOOL, promise } from './promise.ts';
import { ask, contents, conversation, longReply } from './state-ask.ts';

const RUN = '/v1/chat/completions';
const COUNT = `${RUN}/input_tokens`;
const fn = { type: 'function', name: 'f', description: 'does', parameters: { type: 'object', properties: {} } };
const shaped = {
  input: [
    { role: 'user', content: 'Hi' },
    { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
    { type: 'function_call_output', call_id: 'c', output: 'done' },
    { role: 'user', content: [{ type: 'input_text', text: 'So?' }] },
  ],
  instructions: 'Be brief.',
  tools: [fn, { ...fn, name: 'g' }],
  tool_choice: { type: 'function', name: 'f' },
  parallel_tool_calls: false,
  reasoning: { effort: 'low' },
};

promise(
  'input-tokens.client',
  {
    says: 'openai: responses.inputTokens.count gives the count, and runs no model',
    source: 'openai 7.57.0 types: InputTokenCountParams',
  },
  async (door) => {
    const model = door.model.counting('chat-request', { [COUNT]: replies(200, { input_tokens: 42 }) });
    const reply = await door.client.responses.inputTokens.count({ model, input: 'Hi' });
    assert.deepEqual({ ...reply }, { object: 'response.input_tokens', input_tokens: 42 });
    assert.deepEqual(pathsOf(door, model), [COUNT]);
  },
  NEEDS_HEADERS,
);

promise(
  'input-tokens.chat',
  {
    says: 'on chat it is what the server counts, in each of three ways, of the request that a create sends',
    source: 'docs/backends.md',
  },
  async (door) => {
    const request = door.model.counting('chat-request', { [COUNT]: replies(200, { input_tokens: 0 }) }, says('ok'));
    const messages = door.model.counting('chat-messages', { '/tokenize': replies(200, { count: 7 }) }, says('ok'));
    const template = door.model.counting('chat-template', templates, says('ok'));
    for (const [model, tokens] of [
      [request, 0],
      [messages, 7],
      [template, 3],
    ] as const) {
      assert.equal(await count(door, { model, ...shaped }), tokens);
      await create(door, { model, ...shaped });
    }
    const of = (model: string, path: string) => countRequest(door, model, path);
    assert.deepEqual(of(request, COUNT), of(request, RUN));
    assert.deepEqual(of(template, '/apply-template'), of(template, RUN));
    const sent = of(messages, RUN);
    assert.deepEqual(of(messages, '/tokenize'), {
      model: messages,
      messages: sent.messages,
      tools: sent.tools,
      add_generation_prompt: true,
      chat_template_kwargs: { reasoning_effort: 'low' },
    });
    assert.deepEqual(countRequest(door, template, '/tokenize', 1), {
      content: `prompt of ${template}`,
      add_special: true,
      parse_special: true,
    });
  },
  NEEDS_HEADERS,
);

/** As an older llama.cpp does it: its `/tokenize` takes a text, and finds none in a list of messages. */
const templates: Record<string, Script> = {
  '/apply-template': (turn) => turn.reply(200, { prompt: `prompt of ${turn.body.model}` }),
  '/tokenize': (turn) => turn.reply(200, { tokens: turn.body.content ? [1, 2, 3] : [] }),
};

promise(
  'input-tokens.responses',
  {
    says: 'on responses it is what the server counts of the request that a create sends',
    source: 'docs/backends.md',
  },
  async (door) => {
    const path = '/v1/responses/input_tokens';
    const answered = { object: 'response.input_tokens', input_tokens: 12 };
    const script = answers(message('ok'));
    const model = door.model.counting('responses-count', { [path]: replies(200, answered) }, script);
    const body = { ...shaped, text: { verbosity: 'low' } };
    assert.equal(await count(door, { model, ...body, max_output_tokens: 16 }), 12);
    await create(door, { model, ...body, max_output_tokens: 16, temperature: 0.5, user: 'u', top_logprobs: 2 });
    const names = ['stream', 'store', 'include', 'max_output_tokens', 'temperature', 'user', 'top_logprobs'];
    assert.deepEqual(countRequest(door, model, path), without(countRequest(door, model, '/v1/responses'), names));
  },
  NEEDS_HEADERS,
);

promise(
  'input-tokens.anthropic',
  {
    says: 'on anthropic it is what the server counts of the request that a create sends',
    source: 'docs/backends.md',
  },
  async (door) => {
    const path = '/v1/messages/count_tokens';
    const model = door.model.counting(
      'anthropic-count',
      { [path]: replies(200, { input_tokens: 9 }) },
      tells(text('ok')),
    );
    assert.equal(await count(door, { model, ...shaped }), 9);
    await create(door, { model, ...shaped, temperature: 0.5, user: 'u' });
    const names = ['stream', 'max_tokens', 'temperature', 'metadata'];
    assert.deepEqual(countRequest(door, model, path), without(countRequest(door, model, '/v1/messages'), names));
  },
  NEEDS_HEADERS,
);

promise(
  'input-tokens.thinking',
  {
    says: 'thinking that the server refuses to count is left out, as a create leaves it out',
    source: 'docs/backends.md',
  },
  async (door) => {
    const path = '/v1/messages/count_tokens';
    const thought = { type: 'thinking' as const, thinking: 'Hm.', signature: 'c2lnbmVk' };
    const refusal = errorOf('invalid_request_error', 'messages.1.content.0: `thinking` blocks cannot be modified');
    const answer: Script = (turn) =>
      JSON.stringify(turn.body).includes(thought.signature)
        ? turn.reply(400, refusal)
        : turn.reply(200, { input_tokens: 5 });
    const model = door.model.counting('anthropic-count', { [path]: answer }, tells(thought, text('ok')));
    const { id } = await create(door, { model });
    assert.equal(await count(door, { model, previous_response_id: id, input: 'So?' }), 5);
  },
  NEEDS_HEADERS,
);

promise(
  'input-tokens.history',
  {
    says: 'what was before, references and prompts count as they do in a create, and nothing is stored',
    source: 'openai 7.57.0 types: InputTokenCountParams',
  },
  async (door) => {
    const model = door.model.counting('chat-request', { [COUNT]: replies(200, { input_tokens: 1 }) }, says('ok'));
    const place = await conversation(door, { items: [{ id: 'msg_1', role: 'user', content: 'Before' }] });
    const first = await create(door, { model, input: 'One' });
    const known = [{ type: 'item_reference', id: first.output[0]?.id }];
    const prompt = { id: 'greeting', variables: { name: 'Ann', topic: 'tea' } };
    for (const body of [
      { input: 'Two', previous_response_id: first.id },
      { input: null, previous_response_id: first.id },
      { input: 'Two', conversation: place },
      { input: known },
      { input: null, prompt },
    ]) {
      const at = door.model.calls(model).length;
      await count(door, { model, ...body });
      await count(door, { model, ...body });
      await create(door, { model, ...body, store: false, ...('conversation' in body && { store: true }) });
      const [once, again, sent] = door.model.calls(model).slice(at);
      assert.deepEqual([once?.path, once?.body], [COUNT, sent?.body]);
      assert.deepEqual([again?.path, again?.body], [COUNT, sent?.body]);
    }
    assert.deepEqual(await contents(door, place), ['user: Before', 'user: Two', 'assistant: ok']);
  },
  NEEDS_HEADERS,
);

promise(
  'input-tokens.served',
  {
    says: 'functions of server-side tools are counted, and their tools closed',
    source: 'docs/backends.md',
  },
  async (door) => {
    const { testToolUseOf } = await import('../support/test-tool.ts');
    const model = door.model.counting('chat-request', { [COUNT]: replies(200, { input_tokens: 1 }) }, says('ok'));
    const label = `input-tokens.served ${door.model.url}`; // which no other door of this process has
    const body = { model, input: 'Hi', tools: [fn, { type: 'test_tool', label }] };
    await count(door, body);
    const { opened, closed } = testToolUseOf(label);
    assert.deepEqual([opened, closed], [1, 1]);
    await create(door, body);
    assert.deepEqual(countRequest(door, model, COUNT), countRequest(door, model, RUN));
    assert.ok(countRequest(door, model, COUNT).tools.length > 1);
    const chosen = { ...body, tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'test_tool' }] } };
    await count(door, chosen);
    await create(door, chosen);
    assert.deepEqual(countRequest(door, model, COUNT, 1), countRequest(door, model, RUN, 1));
    assert.ok(countRequest(door, model, COUNT, 1).tools.length > 1);
  },
  { ...NEEDS_HEADERS, ...NEEDS_TEST_TOOL },
);

promise(
  'input-tokens.refused',
  { says: 'what is refused in a create is refused alike', source: 'docs/backends.md' },
  async (door) => {
    const fails: Script = () => assert.fail('the model is not called');
    const model = door.model.counting('chat-never', {}, fails);
    const native = door.model.counting('anthropic-never', {}, fails);
    for (const body of [
      {},
      { model: null, input: 'Hi' },
      { model: 'nobody', input: 'Hi' },
      { model },
      { model, input: [] },
      { model, input: [{ role: 'wizard', content: 'Hi' }] },
      { model, input: [{ type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }] },
      { model, input: [{ type: 'item_reference', id: 'msg_unknown' }] },
      { model, input: 'Hi', previous_response_id: 'resp_unknown' },
      { model, input: 'Hi', conversation: 'conv_unknown' },
      { model, input: 'Hi', previous_response_id: 'resp_1', conversation: 'conv_1' },
      { model, input: 'Hi', tools: [{ type: 'file_search' }] },
      { model, input: 'Hi', tool_choice: { type: 'function', name: 'f' } },
      { model, input: 'Hi', text: { format: { type: 'json_schema' } } },
      { model, input: 'Hi', reasoning: { mode: 'pro' } },
      { model, prompt: { id: 'unknown' } },
      { model: native, input: 'Hi', text: { format: { type: 'json_object' } } },
      { model: 'demo', input: 'Hi', tool_choice: 'required', tools: [fn] },
    ]) {
      await sameRefusal(door, body);
    }
    assert.deepEqual([...pathsOf(door, model), ...pathsOf(door, native)], []);
    const headers = { 'content-type': 'application/json' };
    const malformed = await door.fetch('/v1/responses/input_tokens', { method: 'POST', body: '{', headers });
    await refuses(malformed, { status: 400, code: 400 });
  },
  NEEDS_HEADERS,
);

promise(
  'input-tokens.locked',
  {
    says: 'a conversation in which a turn is made is conversation_locked here, too',
    source: 'docs/backends.md',
  },
  async (door) => {
    const id = await conversation(door);
    const { script, begun, release } = longReply('one');
    const model = door.model.counting('chat-never', {}, script);
    const running = create(door, { model, conversation: id });
    await begun;
    await sameRefusal(door, { model, input: 'B', conversation: id });
    release();
    await running;
    assert.ok((await count(door, { model, input: 'B', conversation: id })) > 0);
  },
  NEEDS_HEADERS,
);

promise(
  'input-tokens.personality',
  {
    says: 'a personality is counted by OpenAI, adds nothing elsewhere, and is checked before',
    source: 'openai 7.57.0 types: InputTokenCountParams',
  },
  async (door) => {
    const of = (model: string, personality: unknown) =>
      ask(door, 'POST', '/v1/responses/input_tokens', { model, input: 'Hi', personality });
    const path = '/v1/responses/input_tokens';
    const openai = door.model.counting('openai', { [path]: replies(200, { input_tokens: 42 }) });
    assert.equal((await of(openai, 'friendly')).status, 200);
    assert.equal(callOf(door, openai).body.personality, 'friendly');
    const other = door.model.counting('responses-count', { [path]: replies(200, { input_tokens: 42 }) });
    assert.equal((await of(other, 'friendly')).status, 200);
    assert.ok(!('personality' in callOf(door, other).body));
    for (const personality of [7, 'x'.repeat(65)]) {
      await refuses(await of(other, personality), { status: 422, code: 422, param: 'personality', message: /must/ });
    }
    assert.equal(door.model.calls(other).length, 1);
  },
  NEEDS_HEADERS,
);

function pathsOf(door: Door, model: string): string[] {
  return door.model.calls(model).map(({ path }) => path);
}

function without(body: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));
}
