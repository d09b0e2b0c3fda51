import assert from 'node:assert/strict';
import { post } from '../support/doors/door.ts';
import { failsMidway, replies, says } from '../support/model/scripted.ts';
import { modelRequest, refuses, stream, unprocessable } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

promise('error.malformed-json', { says: 'malformed JSON is 400', source: 'docs/errors.md' }, async (door) => {
  for (const body of ['{', '{"model":"demo",}', 'hello', '{"model":"demo","input":"Hi"', '{"a":1}{"b":2}']) {
    await refuses(await post(door, body), { status: 400, code: 400, message: /JSON/ });
  }
});

promise(
  'error.empty-body',
  { says: 'an empty body is 400 and says so', source: 'docs/errors.md' },
  async (door) => {
    await refuses(await post(door, ''), { status: 400, code: 400, message: /empty/ });
  },
  { 'envoy-original': 'the original mode hands over only requests with a body' },
);

promise('error.not-utf8', { says: 'a body that is not UTF-8 is 400', source: 'docs/errors.md' }, async (door) => {
  const body = new Uint8Array([0x22, 0xff, 0xfe, 0x22]);
  await refuses(await post(door, body), { status: 400, code: 400, message: /JSON/ });
});

promise('error.no-object', { says: 'JSON that is no object is 422', source: 'docs/errors.md' }, async (door) => {
  for (const body of ['[]', '"text"', '7', 'null', 'true']) {
    await refuses(await post(door, body), { status: 422, code: 422, message: /object/ });
  }
});

promise(
  'error.model-missing',
  { says: 'a missing model is 422: model field is required', source: 'docs/errors.md' },
  async (door) => {
    const missing = { status: 422, code: 422, param: 'model', message: 'model field is required' };
    await refuses(await post(door, { input: 'Hi' }), missing);
    await refuses(await post(door, {}), missing);
    await refuses(await post(door, { input: 'Hi', stream: true }), missing);
  },
);

promise(
  'error.backend-down',
  { says: 'a backend that cannot be reached is 500 and not named', source: 'docs/errors.md' },
  async (door) => {
    const reply = await post(door, { model: 'down', input: 'Hi' });
    const text = await refuses(reply, { status: 500, code: 500 });
    assert.doesNotMatch(text, /ECONN|127\.0\.0\.1/);
    const streamed = await post(door, { model: 'down', input: 'Hi', stream: true });
    assert.equal(await refuses(streamed, { status: 500, code: 500 }), text);
  },
);

promise(
  'error.auto',
  {
    says: "clients that a header shows to be OpenAI's own get its statuses and codes, all others the tiers",
    source: 'docs/errors.md',
  },
  async (door) => {
    const made: Record<string, string>[] = [
      { 'x-stainless-lang': 'java' },
      { 'user-agent': 'OpenAI/2.3.0 (.NET 9.0.8; Linux)' },
      { 'user-agent': 'ai/5.0.0 ai-sdk/openai/2.0.1 runtime/node.js/22' },
      { originator: 'codex_cli_rs' },
    ];
    const others: Record<string, string>[] = [
      {},
      { 'user-agent': 'curl/8.5.0' },
      { 'user-agent': 'my-openai/1.0' },
      { 'x-stainless-lang': '' },
    ];
    for (const stream of [false, true]) {
      for (const headers of made) {
        const codes = { status: 400, code: 'missing_required_parameter', param: 'model' };
        await refuses(await post(door, { input: 'Hi', stream }, { headers }), codes);
      }
      for (const headers of others) {
        await refuses(await post(door, { input: 'Hi', stream }, { headers }), {
          status: 422,
          code: 422,
          param: 'model',
        });
      }
    }
    const [headers = {}] = made;
    const unknown = { status: 400, code: 'model_not_found', param: 'model' };
    await refuses(await post(door, { model: 'nobody-knows', input: 'Hi' }, { headers }), unknown);
    await refuses(await post(door, '{', { headers }), { status: 400, code: 'invalid_json' });
    const failing = door.model.script(replies(500, {}));
    await refuses(await post(door, { model: failing, input: 'Hi' }, { headers }), {
      status: 500,
      code: 'server_error',
    });
  },
  NEEDS_HEADERS,
);

promise(
  'error.model-unknown',
  { says: 'an unknown model is 404 model_not_found', source: 'docs/errors.md' },
  async (door) => {
    const unknown = { status: 404, code: 'model_not_found', param: 'model' };
    await refuses(await post(door, { model: 'nobody-knows', input: 'Hi' }), unknown);
    await refuses(await post(door, { model: 'nobody-knows', input: 'Hi', stream: true }), unknown);
  },
);

promise(
  'error.nested-and-flat',
  { says: 'the error event has the flat and the nested shape', source: 'docs/errors.md: shape conflicts' },
  async (door) => {
    const model = door.model.script(failsMidway({ code: 429 }));
    const { events } = await stream(door, { model });
    const error = events.at(-2);
    assert.ok(error?.type === 'error');
    const { type, sequence_number, error: nested, ...flat } = error;
    assert.deepEqual(Object.keys(flat).sort(), ['code', 'message', 'param']);
    assert.deepEqual(nested, { type: 'rate_limit_error', ...flat });
  },
);

promise(
  'error.unknown-path',
  { says: 'an unknown path is 404 with an error body', source: 'docs/errors.md' },
  async (door) => {
    for (const path of ['/', '/v1', '/v1/response', '/v1/responses/', '/v1/responses/resp_1/x', '/v1/chat']) {
      await refuses(await door.fetch(path, { method: 'POST', body: '{}' }), { status: 404, code: null });
    }
    await refuses(await door.fetch('/v1/conversation'), { status: 404, code: null });
  },
  NEEDS_HEADERS,
);

promise(
  'error.near-path',
  { says: 'a path that comes near one of ours is 404, and says which', source: 'docs/errors.md' },
  async (door) => {
    const near: [method: string, path: string, meant: string][] = [
      ...['/responses', '/v1/v1/responses', '/v1/responses/'].map((path): [string, string, string] => [
        'POST',
        path,
        '/v1/responses',
      ]),
      ['POST', '/chat/completions', '/v1/chat/completions'],
      ['GET', '/models', '/v1/models'],
      ['GET', '/v1/v1/responses/resp_1', '/v1/responses/{id}'],
      ['POST', '/conversations/', '/v1/conversations'],
    ];
    for (const [method, path, meant] of near) {
      const reply = await door.fetch(path, { method, ...(method === 'POST' && { body: '{}' }) });
      const message = `There is nothing at this path. What comes near is ${meant}.`;
      await refuses(reply, { status: 404, code: null, message });
    }
    const far = await door.fetch('/v1/SECRET', { method: 'POST', body: '{}' });
    await refuses(far, { status: 404, code: null, message: 'There is nothing at this path. /docs has all paths.' });
  },
  NEEDS_HEADERS,
);

promise(
  'error.foreign-members',
  {
    says: 'members of Chat Completions and of the Messages API are 422, with the name of what is here in their place',
    source: 'docs/errors.md',
  },
  async (door) => {
    const places: Record<string, [value: unknown, place: string]> = {
      messages: [[{ role: 'user', content: 'Hi' }], 'input'],
      system: ['Be kind.', 'instructions'],
      max_tokens: [100, 'max_output_tokens'],
      max_completion_tokens: [100, 'max_output_tokens'],
      response_format: [{ type: 'json_object' }, 'text.format'],
      reasoning_effort: ['low', 'reasoning.effort'],
      functions: [[], 'tools'],
      function_call: ['auto', 'tool_choice'],
      n: [2, 'nothing'],
      seed: [7, 'nothing'],
    };
    for (const [param, [value, place]] of Object.entries(places)) {
      const message = `${param} is not supported; the Responses API has ${place} in its place`;
      await unprocessable(door, { [param]: value }, param, message);
      await unprocessable(door, { [param]: value, input: undefined, stream: true }, param, message);
    }
    const nulls = Object.fromEntries(Object.keys(places).map((name) => [name, null]));
    await modelRequest(door, { ...nulls, n: 1, stop: ['END'], foo: 'bar' });
  },
);

promise(
  'error.path',
  {
    says: 'a path with an encoded slash, backslash or NUL, which a proxy may read otherwise than we, is 400',
    source: 'SECURITY.md',
  },
  async (door) => {
    for (const id of ['a%2Fb', 'a%2fb', 'a%5Cb', '%2e%2e%2f', 'resp_%00', '%00']) {
      for (const path of [`/v1/responses/${id}`, `/v1/conversations/${id}/items`, `/v1${id}responses`]) {
        await refuses(await door.fetch(path), { status: 400, code: 400 });
      }
    }
    assert.equal((await door.fetch('/v1/models?a=%2F%00%63&b=/../x')).status, 200, 'a query may hold anything');
  },
  NEEDS_HEADERS,
);

promise(
  'error.method',
  { says: 'another method is 405 with allow', source: 'docs/errors.md' },
  async (door) => {
    const refused = { status: 405, code: 'method_not_allowed' };
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const reply = await door.fetch('/v1/responses', { method });
      assert.equal(reply.headers.get('allow'), 'POST, GET', method);
      await refuses(reply, refused);
    }
    for (const path of ['/v1/models', '/health', '/livez', '/readyz']) {
      const reply = await door.fetch(path, { method: 'POST', body: '{}' });
      assert.match(reply.headers.get('allow') ?? '', /^GET\b/);
      await refuses(reply, refused);
    }
  },
  NEEDS_HEADERS,
);

promise(
  'error.hop',
  {
    says: 'a request that has come through this server already is 500',
    source: 'docs/configuration.md',
  },
  async (door) => {
    const model = door.model.script(says('never'));
    const reply = await post(door, { model, input: 'Hi' }, { headers: { 'x-antiphon-hop': '1' } });
    assert.equal(reply.headers.get('x-should-retry'), 'false');
    await refuses(reply, { status: 500, code: 500 });
    assert.equal(door.model.calls(model).length, 0);
  },
  NEEDS_HEADERS,
);

promise(
  'error.then-well',
  { says: 'after errors the next request is answered', source: 'docs/errors.md' },
  async (door) => {
    await (await post(door, '{')).text();
    await (await post(door, { model: 'down', input: 'Hi' })).text();
    const model = door.model.script(says('still here'));
    assert.match(await (await post(door, { model, input: 'Hi' })).text(), /still here/);
  },
);
