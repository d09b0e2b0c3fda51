import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { says, sends } from '../support/model/scripted.ts';
import { answers, message } from '../support/model/scripted-responses.ts';
import { callOf, create, modelRequest, stream } from './ask.ts';
import { NEEDS_HEADERS, promise, type Skips } from './promise.ts';

promise(
  'create.text',
  {
    says: 'a text input gets a complete Response object, nullable fields included',
    source: 'openai 7.57.0 types: Response',
  },
  async (door) => {
    const model = door.model.script(says('Hel', 'lo'));
    const { id, created_at, completed_at, output, ...rest } = await create(door, { model });
    assert.match(id, /^resp_[\da-f]{48}$/);
    const now = Date.now() / 1000;
    assert.ok(Number.isInteger(created_at) && created_at <= now && created_at > now - 60);
    assert.ok(Number.isInteger(completed_at) && Number(completed_at) >= created_at);
    assert.match(output[0]?.id ?? '', /^msg_[\da-f]{48}$/);
    assert.deepEqual(output, [
      {
        type: 'message',
        id: output[0]?.id,
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'Hello', annotations: [], logprobs: [] }],
      },
    ]);
    assert.deepEqual(rest, {
      object: 'response',
      status: 'completed',
      background: false,
      access_programs: null,
      conversation: null,
      error: null,
      frequency_penalty: 0,
      incomplete_details: null,
      instructions: null,
      max_output_tokens: null,
      max_tool_calls: null,
      metadata: {},
      model,
      moderation: null,
      parallel_tool_calls: true,
      presence_penalty: 0,
      previous_response_id: null,
      prompt: null,
      prompt_cache_key: null,
      prompt_cache_retention: null,
      reasoning: { effort: null, summary: null, context: 'all_turns' },
      safety_identifier: null,
      service_tier: 'auto',
      store: true,
      temperature: 1,
      text: { format: { type: 'text' }, verbosity: 'medium' },
      tool_choice: 'auto',
      tools: [],
      top_logprobs: 0,
      top_p: 1,
      truncation: 'disabled',
      usage: {
        input_tokens: 11,
        input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
        output_tokens: 7,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 18,
      },
    });
  },
);

promise(
  'create.echo',
  { says: 'the Response echoes the parameters that shaped it', source: 'openai 7.57.0 types: Response' },
  async (door) => {
    const model = door.model.script(says('{}'));
    const asked = {
      instructions: 'Be brief.',
      max_output_tokens: 64,
      metadata: { team: 'blue' },
      parallel_tool_calls: false,
      reasoning: { effort: 'low', summary: 'auto' },
      store: false,
      temperature: 0.5,
      text: { format: { type: 'json_object' }, verbosity: 'low' },
      tool_choice: 'none',
      top_p: 0.25,
      presence_penalty: -0.5,
      frequency_penalty: 1.5,
      truncation: 'disabled',
    };
    const response = await create(door, { model, ...asked });
    assert.partialDeepStrictEqual(response, asked);
  },
);

promise(
  'create.hints',
  {
    says: 'harmless hints (user, safety_identifier, prompt_cache_*, service_tier) are accepted, echoed, and passed on to servers that are known to read them',
    source: 'docs/backends.md',
  },
  async (door) => {
    const hints = {
      user: 'u-1',
      safety_identifier: 's-1',
      prompt_cache_key: 'k-1',
      prompt_cache_retention: '24h',
      service_tier: 'flex',
    };
    const known = door.model.openai(answers(message('ok')));
    assert.partialDeepStrictEqual(await create(door, { model: known, ...hints }), hints);
    assert.partialDeepStrictEqual(callOf(door, known).body, hints);
    for (const unknown of [door.model.script(says('ok')), door.model.native(answers(message('ok')))]) {
      assert.partialDeepStrictEqual(await create(door, { model: unknown, ...hints }), hints);
      for (const name of Object.keys(hints)) assert.ok(!(name in callOf(door, unknown).body), name);
    }
  },
);

promise(
  'create.unknown-ignored',
  { says: 'unknown top-level parameters are accepted and not passed on', source: 'docs/errors.md' },
  async (door) => {
    const unknown = { client_metadata: { a: 1 }, frobnicate: true };
    const body = await modelRequest(door, unknown);
    assert.deepEqual(
      Object.keys(unknown).filter((name) => name in body),
      [],
    );
  },
);

promise(
  'create.null-absent',
  { says: 'null means "not given" for every optional parameter', source: 'openai 7.57.0 types: ResponseCreateParams' },
  async (door) => {
    const names = [
      ...['background', 'conversation', 'include', 'instructions', 'max_output_tokens', 'max_tool_calls', 'metadata'],
      ...['parallel_tool_calls', 'previous_response_id', 'prompt', 'prompt_cache_key', 'prompt_cache_retention'],
      ...['reasoning', 'safety_identifier', 'service_tier', 'store', 'stream', 'stream_options', 'temperature', 'text'],
      ...['tool_choice', 'tools', 'top_logprobs', 'top_p', 'truncation', 'user', 'context_management', 'moderation'],
      ...['presence_penalty', 'frequency_penalty'],
    ];
    const body = await modelRequest(door, Object.fromEntries(names.map((name) => [name, null])));
    assert.deepEqual(Object.keys(body).sort(), ['messages', 'model', 'stream', 'stream_options']);
  },
);

promise(
  'create.usage',
  { says: 'usage has its details, cached and reasoning tokens included', source: 'docs/api.md' },
  async (door) => {
    const usage = {
      prompt_tokens: 20,
      completion_tokens: 9,
      total_tokens: 29,
      prompt_tokens_details: { cached_tokens: 5, cache_write_tokens: 3 },
      completion_tokens_details: { reasoning_tokens: 4 },
    };
    const model = door.model.script(sends([{ content: 'Hi' }], 'stop', usage));
    assert.deepEqual((await create(door, { model })).usage, {
      input_tokens: 20,
      input_tokens_details: { cached_tokens: 5, cache_write_tokens: 3 },
      output_tokens: 9,
      output_tokens_details: { reasoning_tokens: 4 },
      total_tokens: 29,
    });
  },
);

promise(
  'create.no-usage',
  { says: 'a backend that counts no tokens gets a null usage, not an error', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(async (turn) => {
      await turn.delta({ content: 'Hi' }, 'stop');
      await turn.raw('data: [DONE]\n\n');
      turn.end();
    });
    const response = await create(door, { model });
    assert.equal(response.status, 'completed');
    assert.equal(response.usage, null);
  },
);

promise(
  'create.reasoning',
  { says: 'reasoning becomes an item of its own, before the message', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(sends([{ reasoning_content: 'Hm.' }, { content: 'Yes.' }]));
    const { output } = await create(door, { model });
    assert.deepEqual(output, [
      {
        type: 'reasoning',
        id: output[0]?.id,
        summary: [],
        content: [{ type: 'reasoning_text', text: 'Hm.' }],
        status: 'completed',
      },
      {
        type: 'message',
        id: output[1]?.id,
        role: 'assistant',
        status: 'completed',
        content: [{ type: 'output_text', text: 'Yes.', annotations: [], logprobs: [] }],
      },
    ]);
  },
);

promise('create.refusal', { says: 'a refusal is a part of the message', source: 'docs/api.md' }, async (door) => {
  const model = door.model.script(sends([{ refusal: "I can't " }, { refusal: 'do that.' }]));
  const { output, status } = await create(door, { model });
  assert.equal(status, 'completed');
  assert.ok(output[0]?.type === 'message');
  assert.deepEqual(output[0].content, [{ type: 'refusal', refusal: "I can't do that." }]);
});

promise(
  'create.empty',
  { says: 'a model that says nothing completes with an empty output', source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(sends([{ role: 'assistant', content: '' }]));
    const { output, status } = await create(door, { model });
    assert.equal(status, 'completed');
    assert.deepEqual(output, []);
  },
);

promise(
  'create.unicode',
  { says: 'text of any script passes unchanged both ways, however its bytes arrive', source: 'docs/api.md' },
  async (door) => {
    const text = 'Grüße 👩‍👩‍👧 \u2028 "\\" \u0000 漢字';
    const model = door.model.script(async (turn) => {
      const chunk = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`;
      for (const byte of new TextEncoder().encode(chunk)) await turn.raw(Uint8Array.of(byte));
      await turn.finish();
    });
    const { output } = await create(door, { model, input: text });
    assert.ok(output[0]?.type === 'message');
    assert.partialDeepStrictEqual(output[0].content, [{ type: 'output_text', text }]);
    assert.equal(callOf(door, model).body.messages[0].content, text);
  },
);

promise(
  'create.stream-false',
  { says: 'stream: false is a reply in one piece', source: 'openai 7.57.0 types: ResponseCreateParams' },
  async (door) => {
    const model = door.model.script(says('Hi'));
    assert.equal((await create(door, { model, stream: false })).status, 'completed');
  },
);

promise(
  'create.ids',
  { says: 'every response and item has an id of its own', source: 'docs/edge-cases.md: 12 (mistral.rs#1944)' },
  async (door) => {
    const model = door.model.script(sends([{ reasoning: 'Hm.' }, { content: 'Yes.' }]));
    const ids = [await create(door, { model }), await create(door, { model })].flatMap(({ id, output }) => [
      id,
      ...output.map((item) => item.id),
    ]);
    assert.equal(new Set(ids).size, 6);
  },
);

promise(
  'create.demo',
  { says: 'the demo model says what it is, and repeats its input', source: 'docs/api.md' },
  async (door) => {
    const { output, model } = await create(door, { model: 'demo', input: 'parrot this', max_output_tokens: 100 });
    assert.equal(model, 'demo');
    assert.match(JSON.stringify(output), /demo model.*parrot this/);
    const { final } = await stream(door, { model: 'demo', input: 'word '.repeat(30), max_output_tokens: 16 });
    assert.equal(final.status, 'incomplete');
  },
);

promise('request-id.made', { says: 'every reply has a request id of its own', source: 'docs/api.md' }, async (door) => {
  const model = door.model.script(says('Hi'));
  const ids = await Promise.all(
    [{ model, input: 'Hi' }, { model, input: 'Hi', stream: true }, {}].map(async (body) => {
      const reply = await post(door, body);
      await reply.text();
      return reply.headers.get('x-request-id');
    }),
  );
  for (const id of ids) assert.match(id ?? '', /^[\w.:/+=@-]{8,128}$/);
  assert.equal(new Set(ids).size, 3);
});

promise(
  'request-id.echo',
  { says: "the client's x-request-id comes back, with errors and streams too", source: 'docs/api.md' },
  async (door) => {
    const model = door.model.script(says('Hi'));
    const headers = { 'x-request-id': 'req-of.the_client:1' };
    for (const body of [{ model, input: 'Hi' }, { model, input: 'Hi', stream: true }, {}]) {
      const reply = await post(door, body, { headers });
      await reply.text();
      assert.equal(reply.headers.get('x-request-id'), 'req-of.the_client:1');
    }
    const notFound = await door.fetch('/nowhere', { headers });
    await notFound.text();
    assert.equal(notFound.headers.get('x-request-id'), 'req-of.the_client:1');
  },
  NEEDS_HEADERS,
);

const OWN_ID: Skips = {
  ...NEEDS_HEADERS,
  'envoy-streamed': 'Envoy returns the request id that it has taken itself',
  'envoy-buffered': 'Envoy returns the request id that it has taken itself',
};

promise(
  'request-id.unsafe',
  {
    says: "of a client's x-request-id the first 128 characters are kept; one that is not printable is replaced",
    source: 'SECURITY.md',
  },
  async (door) => {
    const returned = async (id: string) => {
      const reply = await post(door, {}, { headers: { 'x-request-id': id } });
      await reply.text();
      return reply.headers.get('x-request-id') ?? '';
    };
    const long = `an "odd" one, ${'x'.repeat(500)}`;
    assert.equal(await returned(long), long.slice(0, 128));
    assert.match(await returned('\xfcber'), /^req_\w{8,}$/);
  },
  OWN_ID,
);

promise(
  'health',
  { says: 'GET /health answers', source: 'docs/api.md' },
  async (door) => {
    const reply = await door.fetch('/health');
    assert.equal(reply.status, 200);
    assert.deepEqual(await reply.json(), { status: 'ok' });
  },
  NEEDS_HEADERS,
);

promise(
  'probe.live',
  { says: 'GET /livez answers while the process does', source: 'docs/operating.md' },
  async (door) => {
    const reply = await door.fetch('/livez');
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('cache-control'), 'no-store');
    assert.deepEqual(await reply.json(), { status: 'ok' });
  },
  NEEDS_HEADERS,
);

promise(
  'probe.ready',
  { says: 'GET /readyz says that new requests are welcome', source: 'docs/operating.md' },
  async (door) => {
    const reply = await door.fetch('/readyz');
    assert.deepEqual([reply.status, await reply.json()], [200, { status: 'ready' }]);
    assert.equal(reply.headers.get('cache-control'), 'no-store');
  },
  NEEDS_HEADERS,
);
