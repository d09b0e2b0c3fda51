import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { failsMidway, late, replies, type Script, says, type Turn } from '../support/model/scripted.ts';
import { outline } from '../support/sse.ts';
import { create, fails, isRefused, stream } from './ask.ts';
import { NEEDS_HEADERS, NEEDS_LAST_WORDS, promise } from './promise.ts';
import { ask } from './state-ask.ts';

let keys = 0;

const SECRET = 'SECRET of the backend, /usr/lib/model.py';
const error = (more: object = {}) => ({ error: { message: SECRET, type: 'x', code: null, param: null, ...more } });

promise(
  'backend.credentials',
  { says: "a backend's 401 and 403 are our 500, not to be retried", source: 'docs/errors.md' },
  async (door) => {
    for (const status of [401, 403]) {
      const headers = await isRefused(door, replies(status, error()), { status: 500, code: 500 });
      assert.equal(headers.get('x-should-retry'), 'false');
    }
    await isRefused(door, replies(403, ''), { status: 500, code: 500 });
  },
);

promise(
  'backend.rate-limit',
  { says: "a backend's 429 is 429 with retry-after", source: 'docs/errors.md' },
  async (door) => {
    const limited = { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' };
    const headers = await isRefused(door, replies(429, error(), { 'retry-after': '17' }), limited);
    assert.equal(headers.get('retry-after'), '17');
    const without = await isRefused(door, replies(429, error()), limited);
    assert.match(without.get('retry-after') ?? '', /^\d+$/);
  },
);

/** How servers say that the input does not fit. */
const overflows = [
  replies(400, {
    error: {
      code: 400,
      message: 'the request exceeds the available context size',
      type: 'exceed_context_size_error',
      n_prompt_tokens: 9,
      n_ctx: 8,
    },
  }),
  replies(400, {
    error: {
      message: "This model's maximum context length is 2048 tokens. However, you requested 5000",
      type: 'BadRequestError',
      param: 'input_text',
      code: 400,
    },
  }),
  replies(400, { error: { message: 'too long', type: 'invalid_request_error', code: 'context_length_exceeded' } }),
  replies(413, { error: { message: 'prompt is too long: 9 tokens > 8 maximum' } }),
];

promise(
  'backend.overflow',
  { says: 'a context overflow, however a server says it, is 400 context_length_exceeded', source: 'docs/errors.md' },
  async (door) => {
    for (const script of overflows) {
      await isRefused(door, script, { status: 400, code: 'context_length_exceeded', param: 'input' });
    }
  },
);

promise(
  'backend.overflow-streamed',
  {
    says: 'an overflow of the context inside the stream is recognised as well',
    source: 'test/fixtures/: recorded of llama.cpp',
  },
  async (door) => {
    const message = {
      code: 400,
      message: 'the request exceeds the available context size',
      type: 'exceed_context_size_error',
    };
    await fails(door, failsMidway(message), { status: 400, code: 'context_length_exceeded', param: 'input' });
  },
);

promise(
  'backend.model-unknown',
  { says: 'a backend that does not have the model is 404 model_not_found', source: 'docs/errors.md' },
  async (door) => {
    const expected = { status: 404, code: 'model_not_found', param: 'model' };
    await isRefused(door, replies(404, { error: { message: "model 'x' not found", type: 'api_error' } }), expected);
    await isRefused(door, replies(404, { message: 'The model `x` does not exist.', code: 404 }), expected);
  },
);

promise(
  'backend.client-fault',
  {
    says: "a backend's 4xx that refuse nothing of the client's, and 501, are 500, not to be retried",
    source: 'docs/errors.md',
  },
  async (door) => {
    for (const status of [404, 405, 409, 501]) {
      const headers = await isRefused(door, replies(status, error()), { status: 500, code: 500 });
      assert.equal(headers.get('x-should-retry'), 'false', `${status}`);
    }
  },
);

promise('backend.server-fault', { says: "a backend's 5xx are 500", source: 'docs/errors.md' }, async (door) => {
  for (const status of [500, 502, 503, 504]) {
    const headers = await isRefused(door, replies(status, error()), { status: 500, code: 500 });
    assert.equal(headers.get('x-should-retry'), null, `${status}`);
  }
});

promise(
  'backend.odd-status',
  { says: 'plain text, redirects and huge error bodies are 500', source: 'test/fixtures/: recorded of Ollama' },
  async (door) => {
    await isRefused(door, replies(404, 'plain text'), { status: 500, code: 500 });
    await isRefused(door, replies(302, '', { location: 'http://127.0.0.1:9/' }), { status: 500, code: 500 });
    await isRefused(door, replies(503, 'x'.repeat(1_000_000)), { status: 500, code: 500 });
  },
);

promise(
  'backend.body-hidden',
  { says: "a backend's words never reach the client", source: 'docs/backends.md' },
  async (door) => {
    const leaks = [
      ...[400, 401, 404, 429, 500].map((status) => replies(status, error())),
      ...overflows,
      failsMidway({ message: SECRET, code: 500 }),
      ((turn) => turn.raw(`data: ${SECRET}\n\n`)) satisfies Script,
    ];
    for (const script of leaks) {
      const model = door.model.script(script);
      assert.doesNotMatch(await (await post(door, { model, input: 'Hi' })).text(), /SECRET|python|\.py|tokens/);
      const streamed = await post(door, { model, input: 'Hi', stream: true });
      assert.doesNotMatch(await streamed.text(), /SECRET|python|\.py|maximum context/);
    }
  },
);

/** Ways in which a backend can break off or talk nonsense, before and after it has begun to speak. */
const breaks: Record<string, (turn: Turn) => void | Promise<void>> = {
  'a connection cut': async (turn) => {
    await turn.raw(': begun\n\n');
    await turn.sleep(50); // what has just been written may be lost with the connection
    turn.cut();
  },
  'an end without a finish reason': ending((turn) => turn.raw(': end\n\n')),
  'no JSON': ending((turn) => turn.raw('data: {"choices":[{"ind\n\n')),
  'no object': ending((turn) => turn.raw('data: 7\n\n')),
  'no server-sent events': ending((turn) => turn.raw('<html>\r\n<body>Bad gateway</body>')),
  'bytes that are no text': ending((turn) => turn.raw(Uint8Array.of(0xff, 0xfe, 0x00, 0x0a, 0x0a))),
  'an error as a chunk': ending((turn) => turn.raw(`data: ${JSON.stringify(error({ code: 500 }))}\n\n`)),
  'an error as a text': ending((turn) => turn.raw('data: {"error":"it broke"}\n\n')),
};

promise(
  'backend.refused-late',
  {
    says: 'a model server that refuses later than limits.head fails the stream that has begun, in the same words',
    source: 'docs/errors.md',
  },
  async (door) => {
    const limited = replies(429, error(), { 'retry-after': '17' });
    const [{ streamed }] = await Promise.all([
      fails(door, late(limited), { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' }),
      fails(door, late(replies(401, error())), { status: 500, code: 500 }),
      fails(
        door,
        late((turn) => turn.cut()),
        { status: 500, code: 500 },
      ),
    ]);
    assert.equal(streamed.final.error?.code, 'rate_limit_exceeded');
    assert.deepEqual(outline(streamed.events), ['created', 'in_progress', 'error', 'failed']);
  },
);

promise(
  'backend.refused-nothing-kept',
  {
    says: 'of a turn that the model server refuses at once nothing is kept: its key and its conversation are free',
    source: 'docs/errors.md',
  },
  async (door) => {
    const conversation = JSON.parse(await (await ask(door, 'POST', '/v1/conversations', {})).text()).id;
    const before = await create(door, { model: door.model.script(says('Hello')) });
    for (const streams of [true, false]) {
      for (const more of [{ conversation }, { previous_response_id: before.id }, {}]) {
        const model = door.model.script(replies(429, error()), replies(429, error()), says('Hello'));
        const body = { model, input: 'Hi', stream: streams, ...more };
        const key = { headers: { 'idempotency-key': `refused-${process.pid}-${keys++}` } };
        for (const _ of ['first', 'again']) assert.equal((await post(door, body, key)).status, 429);
        const reply = await post(door, body, key);
        assert.equal(reply.status, 200, await reply.clone().text());
        assert.equal(reply.headers.get('idempotent-replayed'), null);
        assert.match(await reply.text(), /Hello/);
        assert.equal(door.model.calls(model).length, 3);
      }
    }
    const items = JSON.parse(await (await ask(door, 'GET', `/v1/conversations/${conversation}/items`)).text());
    assert.equal(items.data.length, 4, 'the refused inputs are in no conversation');
  },
  NEEDS_HEADERS,
);

promise(
  'backend.breaks-at-once',
  {
    says: 'a backend that breaks off or talks nonsense at once: one error, one terminal event',
    source: 'docs/edge-cases.md: 18 (openai/codex#41340)',
  },
  async (door) => {
    for (const [how, script] of Object.entries(breaks)) {
      const { streamed } = await fails(door, script, { status: 500, code: 500 });
      assert.deepEqual(outline(streamed.events), ['created', 'in_progress', 'error', 'failed'], how);
    }
  },
);

promise(
  'backend.breaks-midway',
  {
    says: 'a backend that breaks off or talks nonsense midway: the item is done as incomplete, then one terminal event',
    source: 'docs/edge-cases.md: 18 (openai/codex#41340)',
  },
  async (door) => {
    for (const [how, script] of Object.entries(breaks)) {
      const midway: Script = async (turn) => {
        await turn.text('Hel');
        await turn.sleep(5);
        await script(turn);
      };
      const { streamed } = await fails(door, midway, { status: 500, code: 500 });
      assert.deepEqual(
        outline(streamed.events),
        [
          ...[
            'created',
            'in_progress',
            'output_item.added 0 message in_progress',
            'content_part.added 0.0 output_text',
          ],
          ...['output_text.delta 0.0 Hel', 'output_item.done 0 message incomplete', 'error', 'failed'],
        ],
        how,
      );
      assert.partialDeepStrictEqual(streamed.final.output, [{ status: 'incomplete', content: [{ text: 'Hel' }] }]);
    }
  },
  NEEDS_LAST_WORDS,
);

promise(
  'backend.json-reply',
  { says: 'the answer of a backend that does not stream is read, and so is its error', source: 'docs/backends.md' },
  async (door) => {
    const whole = { choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }] };
    const { output } = await create(door, { model: door.model.script(replies(200, whole)) });
    assert.partialDeepStrictEqual(output, [{ type: 'message', content: [{ text: 'Hi' }] }]);
    await fails(door, replies(200, error()), { status: 500, code: 500 });
  },
);

promise(
  'backend.cut-call',
  { says: 'a call that breaks off is done as incomplete', source: 'docs/edge-cases.md: 20 (vllm#57998)' },
  async (door) => {
    const model = door.model.script(async (turn) => {
      await turn.delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '{"a' } }] });
      await turn.sleep(5);
      turn.cut();
    });
    const { final } = await stream(door, { model, tools: [{ type: 'function', name: 'f' }] });
    assert.equal(final.status, 'failed');
    assert.partialDeepStrictEqual(final.output, [{ type: 'function_call', arguments: '{"a', status: 'incomplete' }]);
  },
  NEEDS_LAST_WORDS,
);

const line = (choice: object, more: object = {}) => `data: ${JSON.stringify({ choices: [choice], ...more })}`;

/** Odd streams that real servers send, all of which say `Hello`. */
const quirks: Record<string, Script> = {
  'a null content first': async (turn) => {
    await turn.delta({ role: 'assistant', content: null });
    await says('Hello')(turn);
  },
  'the role in every delta': async (turn) => {
    for (const content of ['Hel', 'lo']) await turn.delta({ role: 'assistant', content });
    await turn.finish();
  },
  'empty tool calls and nulls in text deltas': async (turn) => {
    const nulls = { tool_calls: [], function_call: null, refusal: null, reasoning: null, reasoning_content: null };
    for (const content of ['', 'Hel', 'lo']) await turn.delta({ content, ...nulls });
    await turn.finish();
  },
  'a finish reason on the last content': async (turn) => {
    await turn.text('Hel');
    await turn.delta({ content: 'lo' }, 'stop');
    await turn.raw('data: [DONE]\n\n');
  },
  'two chunks of usage': async (turn) => {
    await turn.text('Hello');
    await turn.delta({}, 'stop');
    await turn.raw('data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n');
    await turn.raw('data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7}}\n\ndata: [DONE]\n\n');
  },
  'no finish reason, only [DONE]': async (turn) => {
    await turn.text('Hello');
    await turn.raw('data: {"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7}}\n\ndata: [DONE]\n\n');
  },
  'no [DONE]': async (turn) => {
    await turn.text('Hello');
    await turn.delta({}, 'stop');
    turn.end();
  },
  'lines that end in CRLF': async (turn) => {
    await turn.raw(`${line({ delta: { content: 'Hello' } })}\r\n\r\n`);
    await turn.raw(`${line({ delta: {}, finish_reason: 'stop' })}\r\n\r\ndata: [DONE]\r\n\r\n`);
  },
  'comments, other fields and no space': async (turn) => {
    await turn.raw(': waiting\n\nevent: message\nid: 1\nretry: 5\n');
    await turn.raw(`${line({ delta: { content: 'Hello' } }).replace('data: ', 'data:')}\n\n: still\n\n`);
    await turn.finish();
  },
  'one event over two data lines': async (turn) => {
    await turn.raw(`${line({ delta: { content: 'Hello' } }).replace('[', '\ndata: [')}\n\n`);
    await turn.finish();
  },
  'everything in one chunk': (turn) =>
    turn.raw(
      `${line({ delta: { content: 'Hello' } })}\n\n${line({ delta: {}, finish_reason: 'stop' })}\n\ndata: [DONE]\n\n`,
    ),
  'a byte at a time': async (turn) => {
    const text = `${line({ delta: { content: 'Hello' } })}\n\n${line({ delta: {}, finish_reason: 'stop' })}\n\n`;
    for (const byte of new TextEncoder().encode(`${text}data: [DONE]\n\n`)) await turn.raw(Uint8Array.of(byte));
  },
  'chunks without choices': async (turn) => {
    await turn.raw('data: {"object":"ping"}\n\ndata: {"choices":[]}\n\ndata: {"choices":null}\n\n');
    await says('Hello')(turn);
  },
  'a choice without a delta': async (turn) => {
    await turn.raw(`${line({ index: 0 })}\n\n`);
    await says('Hello')(turn);
  },
  'a null error in each chunk': async (turn) => {
    await turn.raw(`${line({ delta: { content: 'Hello' } }, { error: null })}\n\n`);
    await turn.finish();
  },
};

promise(
  'backend.quirks',
  {
    says: 'the odd streams of real servers are understood',
    source: 'test/fixtures/: recorded of llama.cpp, Ollama, vLLM',
  },
  async (door) => {
    for (const [quirk, script] of Object.entries(quirks)) {
      const model = door.model.script(ending(script));
      const { output, status } = await create(door, { model });
      assert.equal(status, 'completed', quirk);
      assert.partialDeepStrictEqual(output, [{ content: [{ type: 'output_text', text: 'Hello' }] }], quirk);
    }
  },
);

promise(
  'backend.late-usage',
  { says: 'of two chunks of usage the last one counts', source: 'test/fixtures/: recorded of llama.cpp' },
  async (door) => {
    const model = door.model.script(ending(quirks['two chunks of usage'] ?? says('')));
    assert.equal((await create(door, { model })).usage?.total_tokens, 18);
  },
);

/** The script, with a proper end of its reply: the last bytes before a broken connection may be lost. */
function ending(script: Script): Script {
  return async (turn) => {
    await script(turn);
    turn.end();
  };
}
