import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chatCompletions } from '../../handler/backend/chat/index.ts';
import { type Json, normalised, replay } from '../support/accumulate.ts';
import { type Recording, recordings } from '../support/recorded.ts';
import { recordedBackend } from '../support/recorded-backend.ts';

const { ask, streamOf, recorded, listing } = recordedBackend('chat', recordings);

/** What a recorded stream holds, read here as its server's documentation says. */
function contentOf({ body }: Recording) {
  let [text, reasoning, reason] = ['', '', ''];
  const calls: { call_id: string; name: string; arguments: string }[] = [];
  let usage: Json = null;
  for (const line of body.split(/\r?\n/)) {
    if (!line.startsWith('data: {')) continue;
    const chunk = JSON.parse(line.slice(6));
    usage = chunk.usage ?? usage;
    for (const { delta, finish_reason } of chunk.choices) {
      text += delta.content ?? '';
      reasoning += delta.reasoning_content ?? delta.reasoning ?? '';
      reason ||= finish_reason ?? '';
      for (const { index, id, function: fn } of delta.tool_calls ?? []) {
        calls[index] ??= { call_id: id, name: fn.name, arguments: '' };
        calls[index].arguments += fn.arguments ?? '';
      }
    }
  }
  return { text, reasoning, calls, reason, usage };
}

/** The output that a recording has to give, without ids. */
function outputOf({ text, reasoning, calls, reason }: ReturnType<typeof contentOf>, summed: boolean): Json[] {
  const output: Json[] = [];
  if (reasoning) {
    const part = { type: summed ? 'summary_text' : 'reasoning_text', text: reasoning };
    output.push({ type: 'reasoning', summary: summed ? [part] : [], content: summed ? [] : [part] });
  }
  if (text) {
    const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
    output.push({ type: 'message', role: 'assistant', content });
  }
  for (const call of calls) output.push({ type: 'function_call', ...call });
  return output.map((item, index) => ({
    ...item,
    status: reason === 'length' && index === output.length - 1 ? 'incomplete' : 'completed',
  }));
}

function checkResponse(response: Json, content: ReturnType<typeof contentOf>, summed = false): void {
  const cut = content.reason === 'length';
  assert.equal(response.status, cut ? 'incomplete' : 'completed');
  assert.deepEqual(response.incomplete_details, cut ? { reason: 'max_output_tokens' } : null);
  assert.deepEqual(
    response.output.map(({ id, ...item }: Json) => item),
    outputOf(content, summed),
  );
  const { usage } = content;
  assert.deepEqual(
    response.usage,
    usage && {
      input_tokens: usage.prompt_tokens,
      input_tokens_details: {
        cached_tokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
        cache_write_tokens: 0,
      },
      output_tokens: usage.completion_tokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: usage.total_tokens,
    },
  );
}

/** Streams above this size, in bytes, are split into larger pieces than single bytes. */
const SMALL = 2_000;
const UNEVEN = [1, 997, 2, 2_999, 3, 1_500, 7];

describe('recorded streams', () => {
  for (const [name, recording] of recordings) {
    if (!recording.isStream) continue;
    test(name, async () => {
      const content = contentOf(recording);
      const streamed = await ask(name, { stream: true });
      assert.equal(streamed.headers.get('content-type'), 'text/event-stream; charset=utf-8');
      const { terminal } = replay(await streamed.text());
      checkResponse(terminal, content);

      const whole = await ask(name);
      assert.equal(whole.status, 200);
      const expected = normalised(terminal);
      assert.deepEqual(normalised(await whole.json()), expected);

      const sizes = recording.body.length < SMALL ? [1] : UNEVEN;
      const split = await streamOf(name, {}, sizes);
      assert.deepEqual(normalised(split.terminal), expected);

      const asked = { stream: true, reasoning: { summary: 'auto' } };
      checkResponse(replay(await (await ask(name, asked)).text()).terminal, content, true);
    });
  }

  test('without parallel calls only the first counts, whatever the server does', async () => {
    const name = 'llama.cpp/tools-parallel-unset-stream';
    const [first] = contentOf(recorded(name)).calls;
    const { terminal } = await streamOf(name, { parallel_tool_calls: false });
    assert.deepEqual(
      terminal.output.map(({ call_id, name, arguments: args }: Json) => ({ call_id, name, arguments: args })),
      [first],
    );
  });

  test('a call of vLLM that ran out of tokens is incomplete, though vLLM says that it is whole', async () => {
    const { body, ...rest } = recorded('vllm/tools-auto-stream');
    const broken = body
      .split('\n\n')
      .filter((block) => !/celsius|"arguments":"}"/.test(block))
      .join('\n\n')
      .replace('"total_tokens":736,"completion_tokens":10', '"total_tokens":742,"completion_tokens":16');
    recordings.set('made/cut-call', { ...rest, body: broken });
    const { terminal } = await streamOf('made/cut-call', { max_output_tokens: 16 });
    assert.equal(terminal.status, 'incomplete');
    assert.deepEqual(terminal.incomplete_details, { reason: 'max_output_tokens' });
    assert.equal(terminal.output[0].status, 'incomplete');
    assert.equal(terminal.output[0].arguments, '{"city": "Paris", "unit":');
  });

  test('a stream that ends before its finish reason fails', async () => {
    const { body, ...rest } = recorded('vllm/stream');
    recordings.set('made/broken-off', { ...rest, body: body.slice(0, body.indexOf('"finish_reason":"stop"')) });
    const { terminal, events } = await streamOf('made/broken-off');
    assert.equal(terminal.status, 'failed');
    assert.equal(terminal.output[0].status, 'incomplete');
    assert.ok(terminal.output[0].content[0].text.length > 0);
    assert.equal(events.at(-2).error.type, 'server_error');
    assert.equal((await ask('made/broken-off')).status, 500);
  });
});

/** What an error is to become. */
type Outcome = 'context' | 'model' | 'busy' | 'asked' | 'refused' | 'fault' | 'down';

const outcomes: Record<Outcome, { status: number; code: string | number | null; noRetry: boolean }> = {
  context: { status: 400, code: 'context_length_exceeded', noRetry: false },
  model: { status: 404, code: 'model_not_found', noRetry: false },
  busy: { status: 429, code: 'rate_limit_exceeded', noRetry: false },
  asked: { status: 400, code: null, noRetry: true },
  refused: { status: 500, code: 500, noRetry: true },
  fault: { status: 500, code: 500, noRetry: true },
  down: { status: 500, code: 500, noRetry: false },
};

/** Recordings whose outcome their status alone does not tell. */
const special: Record<string, Outcome> = {
  'llama.cpp/chat-err-overflow': 'context',
  'llama.cpp/chat-err-overflow-stream': 'context',
  'llama.cpp/chat-fill-context': 'context',
  'llama.cpp/chat-fill-context-stream': 'context',
  'llama.cpp-router/err-overflow': 'context',
  'vllm/err-overflow': 'context',
  'vllm/err-overflow-stream': 'context',
  'vllm/err-max-tokens-too-big': 'context', // input and asked output together do not fit
  'llama.cpp-router/unknown-model': 'model',
  'llama.cpp-router/unknown-model-stream': 'model',
  'ollama/unknown-model': 'model',
  'ollama/unknown-model-stream': 'model',
  'vllm/unknown-model': 'model',
  'llama.cpp/chat-err-image': 'asked',
  'llama.cpp/chat-err-image-stream': 'asked',
  'llama.cpp/chat-stream-string': 'fault', // `stream` is ours
};

/** The client's own field that the recorded refusals name. */
const fields: Record<string, string> = {
  'llama.cpp-router/no-model': 'model',
  'llama.cpp/chat-err-max-tokens-string': 'max_output_tokens',
  'llama.cpp/chat-err-messages-string': 'input',
  'llama.cpp/chat-max-tokens-neg': 'max_output_tokens',
  'llama.cpp/chat-temp-string': 'temperature',
  'llama.cpp/chat-top-logprobs-without-logprobs': 'top_logprobs',
  'llama.cpp/err-body-array': 'input',
  'llama.cpp/err-no-messages': 'input',
  'llama.cpp/json-err-type': 'text.format',
  'llama.cpp/tools-err-choice-bad': 'tool_choice',
  'ollama/err-empty-messages': 'input',
  'ollama/err-no-model': 'model',
  'ollama/think-unsupported': 'reasoning.effort',
  'vllm/max-tokens-0': 'max_output_tokens',
};

function outcomeOf(name: string, status: number): Outcome {
  if (special[name]) return special[name];
  if (status === 401 || status === 403) return 'refused';
  if (status === 429) return 'busy';
  if (status === 400 || status === 422) return 'asked';
  return status < 500 || status === 501 ? 'fault' : 'down';
}

const handMade: Record<string, Recording> = {
  'made/429': {
    status: 429,
    headers: [['retry-after', '7']],
    body: '{"error":{"message":"Slow down, sk-secret","type":"requests","code":"rate_limit_exceeded"}}',
    isStream: false,
  },
  'made/501': { status: 501, headers: [], body: '{"error":{"message":"not here /etc/x"}}', isStream: false },
  'made/502': { status: 502, headers: [], body: '<html>Bad Gateway of inner.example</html>', isStream: false },
};
for (const [name, recording] of Object.entries(handMade)) recordings.set(name, recording);

describe('recorded errors', () => {
  for (const [name, recording] of recordings) {
    if (recording.isStream || recording.status === 200 || name.endsWith('/auth-models')) continue;
    test(name, async () => {
      const outcome = outcomeOf(name, recording.status);
      const { status, code, noRetry } = outcomes[outcome];

      const whole = await ask(name);
      assert.equal(whole.status, status);
      assert.equal(whole.headers.get('x-should-retry'), noRetry || (status < 500 && status !== 429) ? 'false' : null);
      assert.equal(whole.headers.get('retry-after'), outcome === 'busy' ? '7' : null);
      const wholeText = await whole.text();
      const { error } = JSON.parse(wholeText);
      assert.equal(error.code, code);
      assert.equal(error.type, { 500: 'server_error', 429: 'rate_limit_error' }[status] ?? 'invalid_request_error');
      assert.equal(error.param, { context: 'input', model: 'model' }[outcome as string] ?? fields[name] ?? null);

      const streamed = await ask(name, { stream: true });
      assert.equal(streamed.status, status);
      assert.equal(await streamed.text(), wholeText);

      const errorBody = recording.body.trim();
      const leaks = [errorBody, errorBody.startsWith('{') ? JSON.parse(errorBody).error?.message : errorBody];
      for (const leak of leaks.filter(Boolean)) {
        assert.ok(!wholeText.includes(leak), 'says nothing of what the backend said');
      }
      assert.doesNotMatch(wholeText, /\/srv\/|\.py|validation error|json\.exception|secret|inner\./);
      assert.ok(wholeText.length < 1024);
    });
  }

  const inStream: [name: string, error: string, status: number, noRetry: boolean][] = [
    ['llama.cpp, overflow', recorded('llama.cpp/chat-err-overflow').body, 400, false],
    ['Ollama, no code', recorded('ollama/err-no-model').body, 500, false],
    ['vLLM, no such model', recorded('vllm/unknown-model').body, 404, false],
    ['vLLM, bad request', recorded('vllm/max-tokens-0').body, 400, true],
    ['a code in words', '{"error":{"type":"invalid_request_error","code":"context_length_exceeded"}}', 400, false],
    ['only a text', '{"error":"CUDA out of memory"}', 500, false],
  ];
  for (const [name, error, status, noRetry] of inStream) {
    test(`inside a stream: ${name}`, async () => {
      const stream = recorded('llama.cpp/chat-stream');
      const begun = stream.body.split('\n\n').slice(0, 4).join('\n\n');
      recordings.set(name, { ...stream, body: `${begun}\n\ndata: ${error}\n\ndata: [DONE]\n\n` });
      const { terminal, events } = await streamOf(name);
      assert.equal(terminal.status, 'failed');
      assert.equal(terminal.output[0].status, 'incomplete');
      const whole = await ask(name);
      assert.equal(whole.status, status);
      assert.equal(whole.headers.get('x-should-retry'), noRetry || (status < 500 && status !== 429) ? 'false' : null);
      assert.equal(((await whole.json()) as Json).error.message, events.at(-2).message);
    });
  }
});

describe('recorded lists of models', () => {
  const list = (name: string) => chatCompletions(listing(name)).models(AbortSignal.timeout(5_000));
  for (const name of ['llama.cpp/models', 'llama.cpp-wheel/models', 'ollama/models', 'vllm/models']) {
    test(name, async () => {
      const ids = JSON.parse(recorded(name).body).data.map(({ id }: Json) => id);
      assert.ok(ids.length > 0);
      assert.deepEqual(
        (await list(name)).map((model) => (typeof model === 'string' ? model : model.id)),
        ids,
      );
    });
  }
  test('llama.cpp/auth-models', () => assert.rejects(list('llama.cpp/auth-models'), { kind: 'server' }));
});
