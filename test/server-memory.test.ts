import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelCall, ServerProfile } from '../handler/backend/backend.ts';
import { chatCompletions } from '../handler/backend/chat/index.ts';
import { learnedFrom } from '../handler/backend/server/refused-members.ts';
import { requestRules } from '../handler/backend/server/request-rules.ts';
import { openServer } from '../handler/backend/server/server.ts';
import { configureLog } from '../handler/log.ts';
import type { Transport } from '../handler/transport.ts';
import { anyServer, modelCall, userMessage } from './support/backend-contract.ts';

const OK = 'data: {"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';

/** A server that answers each POST in turn, the last one for ever, and what it was sent; its models are owned by one. */
function serverOf(replies: readonly [status: number, body: string][], { ownedBy = '', headers = {} } = {}) {
  const sent: Record<string, unknown>[] = [];
  const looks: string[] = [];
  const upstream = (status: number, body: string) => ({
    status,
    header: (name: string) => new Map(Object.entries<string>(headers)).get(name) ?? null,
    body: (async function* () {
      yield new TextEncoder().encode(body);
    })(),
  });
  const transport: Transport = async (url, { method, body = '{}' }) => {
    if (method === 'GET') {
      looks.push(url);
      return upstream(200, JSON.stringify({ data: [{ id: 'm', owned_by: ownedBy }] }));
    }
    sent.push(JSON.parse(String(body)));
    const [status, text] = replies[Math.min(sent.length, replies.length) - 1] ?? [200, OK];
    return upstream(status, text);
  };
  const backend = chatCompletions(openServer('http://models.test/v1', undefined, transport));
  const run = async (members: Partial<ModelCall> = {}, profile: ServerProfile = anyServer) => {
    for await (const _ of backend.prepare(modelCall(members), profile).stream(new AbortController().signal));
    return sent.at(-1) ?? {};
  };
  return { sent, looks, run };
}

const thought: ModelCall['input'] = [
  userMessage('Hi'),
  {
    type: 'reasoning',
    id: 'rs_1',
    status: 'completed',
    summary: [],
    content: [{ type: 'reasoning_text', text: 'Hm.' }],
  },
  { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'f', arguments: '{}', status: 'completed' },
  { type: 'function_call_output', id: 'fco_1', call_id: 'c', output: 'ok', status: 'completed' },
];

/** The members of the assistant's message, and its content. */
function spoken({ messages }: Record<string, unknown>) {
  const [, assistant] = messages as Record<string, unknown>[]; // as this backend makes them
  return { names: Object.keys(assistant ?? {}), content: assistant?.content };
}

test('a server is known by the owner of its models, which nobody waits for, and asked once', async () => {
  for (const [ownedBy, member] of [
    ['vllm', 'reasoning'],
    ['library', 'reasoning'],
    ['sglang', 'reasoning_content'],
    ['openai', 'reasoning_content'],
  ] as const) {
    const { run, looks } = serverOf([[200, OK]], { ownedBy });
    await run({ input: thought });
    await new Promise((resolve) => setTimeout(resolve));
    assert.ok(spoken(await run({ input: thought })).names.includes(member), ownedBy);
    assert.deepEqual(looks, ['http://models.test/v1/models']);
  }
});

test('a server is known by a header of its replies', async () => {
  const { run } = serverOf([[200, OK]], { headers: { server: 'llama.cpp' } });
  const f = { type: 'function', name: 'f' } as const;
  const call = { tools: [f], parallel_tool_calls: null };
  assert.ok(!('parallel_tool_calls' in (await run(call))));
  assert.equal((await run(call)).parallel_tool_calls, true);
  assert.equal((await run({ ...call, parallel_tool_calls: false })).parallel_tool_calls, false);
});

test('a call that has to be made waits once until it is known which server it is for, but not once its client left', async () => {
  const f = { type: 'function', name: 'f' } as const;
  const forced = { tools: [f], tool_choice: 'required' } as const;
  const cpp = serverOf([[200, OK]], { ownedBy: 'llamacpp' });
  assert.ok('response_format' in (await cpp.run(forced)));
  const other = serverOf([[200, OK]], { ownedBy: 'vllm' });
  for (let time = 0; time < 2; time++) assert.ok(!('response_format' in (await other.run(forced))));
  assert.ok('response_format' in (await other.run(forced, { ...anyServer, send: { writtenCalls: true } })));
  const unknown = serverOf([[200, OK]]);
  for (let time = 0; time < 2; time++) assert.ok(!('response_format' in (await unknown.run(forced))));
  for (const { looks } of [cpp, other, unknown]) assert.equal(looks.length, 1);

  const silent: Transport = async (_, { signal }) => {
    signal?.throwIfAborted();
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  };
  const backend = chatCompletions(openServer('http://models.test/v1', undefined, silent));
  await assert.rejects(async () => {
    for await (const _ of backend.prepare(modelCall(forced), anyServer).stream(AbortSignal.timeout(1)));
  });
});

test('a server that the configuration names is not asked which it is', async () => {
  const { run, looks } = serverOf([[200, OK]], { ownedBy: 'library' });
  const cerebras = await run({ input: thought, max_output_tokens: 20 }, { ...anyServer, server: 'cerebras' });
  assert.equal(cerebras.max_completion_tokens, 20);
  assert.ok(spoken(cerebras).names.includes('reasoning'));
  assert.ok(!spoken(await run({ input: thought }, { ...anyServer, server: 'mistral' })).names.includes('reasoning'));
  await run({}, { ...anyServer, isOpenAI: true });
  assert.deepEqual(looks, []);
});

test('what was learned wins over what was detected, and the configuration over both', async () => {
  const thinks = 'data: {"choices":[{"index":0,"delta":{"reasoning_content":"Hm"}}]}\n\n';
  const { run } = serverOf([[200, thinks + OK]], { ownedBy: 'vllm' });
  await run();
  await new Promise((resolve) => setTimeout(resolve));
  assert.ok(spoken(await run({ input: thought })).names.includes('reasoning_content'), 'an older vLLM');
  assert.ok(spoken(await run({ input: thought, model: 'another' })).names.includes('reasoning'), 'per model');
  const configured = { ...anyServer, send: { rename: { reasoning_content: 'thoughts' } } };
  assert.ok(spoken(await run({ input: thought }, configured)).names.includes('thoughts'));
});

test('what the configuration keeps is not left out for a refusal', async () => {
  const refused = JSON.stringify({ error: { message: "Unsupported parameter: 'user'", param: 'user' } });
  const { run, sent } = serverOf([[400, refused]]);
  const hints = { ...modelCall().hints, user: 'u' };
  await assert.rejects(run({ hints }, { ...anyServer, send: { keep: ['user'] } }));
  assert.equal(sent.length, 1);
  await assert.rejects(run({ hints }, { ...anyServer, server: 'openrouter' }));
  assert.deepEqual(
    sent.slice(1).map((body) => 'user' in body),
    [true, false],
  );
});

test('reasoning and null contents that are refused go once more without, and the log says so without their words', async (t) => {
  const lines: string[] = [];
  configureLog('info', (line) => lines.push(line));
  t.after(() => configureLog('error', () => {}));
  const groq = JSON.stringify({
    error: {
      message:
        "'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' : property 'reasoning_content' is unsupported)]",
      type: 'invalid_request_error',
    },
  });
  const { run } = serverOf([
    [400, groq],
    [200, OK],
  ]);
  assert.deepEqual(spoken(await run({ input: thought })).names, ['role', 'content', 'tool_calls']);
  assert.match(
    lines.join(''),
    /"message":"a model server refused members.*"model":"any".*"omit":\["reasoning_content"\]/,
  );
  assert.doesNotMatch(lines.join(''), /satisfied/);
  const strings = JSON.stringify({
    detail: [{ type: 'string_type', loc: ['body', 'messages', 1, 'content'], msg: 'Input should be a valid string' }],
  });
  const strict = serverOf([
    [422, strings],
    [200, OK],
  ]);
  assert.deepEqual(spoken(await strict.run({ input: thought })).content, '');
  assert.deepEqual(
    strict.sent.map((body) => spoken(body).content),
    [null, ''],
  );
});

test('a server that refuses one member after the other comes to be known', async () => {
  const refuses = (name: string) => JSON.stringify({ error: { message: `property '${name}' is unsupported` } });
  const { run, sent } = serverOf([
    [400, refuses('stream_options')],
    [400, refuses('tool_choice')],
    [400, refuses('tool_choice')],
    [200, OK],
  ]);
  const call: Partial<ModelCall> = { tools: [{ type: 'function', name: 'f' }], parallel_tool_calls: null };
  await assert.rejects(run(call));
  const last = await run(call);
  assert.deepEqual(Object.keys(last).sort(), ['messages', 'model', 'stream', 'tools']);
  assert.equal(sent.length, 4);
});

const request = {
  user: 'u',
  prompt_cache_key: 'k',
  stream_options: {},
  max_tokens: 20,
  messages: [{ role: 'assistant', content: null, reasoning_content: 'Hm' }],
};

/** Refusals in servers' own words, and what is to be learned of each. */
const refusals: [body: string, learned: object | undefined][] = [
  // https://github.com/zed-industries/zed/issues/52000
  [
    '{"error":{"code":"x","message":"Unrecognized request argument supplied: prompt_cache_key"}}',
    { omit: ['prompt_cache_key'] },
  ],
  // https://github.com/quarkiverse/quarkus-langchain4j/issues/285
  [
    '{"error":{"message":"Unrecognized request arguments supplied: prompt_cache_key, user"}}',
    { omit: ['user', 'prompt_cache_key'] },
  ],
  // https://github.com/leookun/cursor-byok/issues/112
  [
    '[{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \\"prompt_cache_key\\": Cannot find field."}}]',
    { omit: ['prompt_cache_key'] },
  ],
  // https://github.com/charmbracelet/crush/issues/1590
  [
    '{"detail":[{"type":"extra_forbidden","msg":"Extra inputs are not permitted","loc":["body","messages",3,"assistant","reasoning_content"]}]}',
    { omit: ['reasoning_content'] },
  ],
  // https://github.com/egoist/chatwise-releases/issues/1442
  [
    '{"message":"messages.1.assistant.reasoning_content: property \'messages.1.assistant.reasoning_content\' is unsupported","code":"wrong_api_format"}',
    { omit: ['reasoning_content'] },
  ],
  // https://github.com/editor-code-assistant/eca/issues/231
  [
    '{"message":{"detail":[{"type":"extra_forbidden","loc":["body","max_tokens"],"msg":"Extra inputs are not permitted"}]}}',
    { rename: { max_tokens: 'max_completion_tokens' } },
  ],
  // https://github.com/typestack/class-validator#whitelisting
  ['{"message":["property user should not exist"],"statusCode":400}', { omit: ['user'] }],
  // https://github.com/Kilo-Org/kilocode/pull/5544: the opposite
  [
    '{"error":{"message":"thinking is enabled but reasoning_content is missing in assistant tool call message at index 2"}}',
    undefined,
  ],
  ['{"error":{"message":"The reasoning_content in the thinking mode must be passed back to the API."}}', undefined],
  // A bound that is taken, and too large
  ['{"error":{"message":"max_tokens is too large: 20. This model supports at most 10 completion tokens"}}', undefined],
  // Not ours, a role that is a word of the error, a word of the client's
  ['{"error":{"message":"property \'temperature\' is unsupported"}}', undefined],
  ['{"error":{"message":"Unsupported content for the user: ask something else"}}', undefined],
  ['{"error":{"message":"boom"}}', undefined],
  ['<html>Bad gateway</html>', undefined],
];

for (const [body, learned] of refusals) {
  test(`learned of ${body.slice(0, 90)}`, () => {
    const rules = requestRules({ ...anyServer, send: { keep: ['user', 'prompt_cache_key'] } });
    assert.deepEqual(learnedFrom(body, request, rules), learned);
  });
}
