import assert from 'node:assert/strict';
import type { UsagePage } from '../../handler/protocol/usage.ts';
import { type Door, testOrigin } from '../support/doors/door.ts';
import { embeds } from '../support/model/forwarded-scripts.ts';
import { hangs, replies, type Script } from '../support/model/scripted.ts';
import { callOf, endsOnLeaving, refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { have } from './state-ask.ts';

const source = 'docs/neighbours.md';
const PATH = '/v1/embeddings';

/** POSTs a body to a path. */
export function send(door: Door, path: string, body: object | string, init: RequestInit = {}): Promise<Response> {
  return door.fetch(path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
  });
}

const never = () => assert.fail('no turn is made of it');
const modelOf = (door: Door, script: Script, kind = 'scripted') => door.model.counting(kind, { [PATH]: script }, never);

promise(
  'forwarded.as-it-is',
  { says: 'what is passed on reaches its server with all its members, and the reply its client byte for byte', source },
  async (door) => {
    const text =
      '{"object": "list",  "data": [{"embedding": [1e0, 2.50, "\\u00e9"]}], "usage": {"prompt_tokens": 3}}\n';
    const model = modelOf(door, replies(200, text, { 'x-ratelimit-remaining-requests': '7', 'set-cookie': 'a=b' }));
    const body = { model, input: ['Hi', [1, 2]], dimensions: 2, extra: { deep: [null, { a: 'ü' }] } };
    const reply = await send(door, PATH, body);
    assert.equal(await reply.text(), text);
    assert.equal(reply.status, 200);
    assert.match(reply.headers.get('content-type') ?? '', /^application\/json/);
    assert.equal(reply.headers.get('x-ratelimit-remaining-requests'), '7');
    assert.equal(reply.headers.get('set-cookie'), null);
    const call = callOf(door, model);
    assert.deepEqual(call.body, body);
    assert.equal(call.path, PATH);
    assert.equal(call.headers.authorization, 'Bearer test-key');
    assert.equal(call.headers['x-antiphon-hop'], '1');
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded.sdk',
  { says: "OpenAI's SDK gets embeddings, as numbers and as base64", source },
  async (door) => {
    const model = modelOf(door, embeds);
    const { data, usage } = await door.client.embeddings.create({ model, input: ['a', 'b'], encoding_format: 'float' });
    assert.deepEqual([data.length, data[0]?.embedding, usage.total_tokens], [2, [0.6, 0.8], 4]);
    const demo = await door.client.embeddings.create({ model: 'demo', input: ['cat', 'a cat', 'dog'], dimensions: 64 });
    const [cat, aCat, dog] = demo.data.map(({ embedding }) => embedding);
    const near = (a: number[] = [], b: number[] = []) => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
    assert.equal(cat?.length, 64);
    assert.ok(near(cat, aCat) > near(cat, dog), 'texts with the same words are near each other');
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded.usage',
  { says: 'a request that is passed on is charged by its kind, with the tokens that its server says', source },
  async (door) => {
    const model = modelOf(door, embeds);
    const silent = modelOf(door, replies(200, { data: [] }));
    for (const one of [model, model, silent]) await (await send(door, PATH, { model: one, input: ['a', 'b'] })).text();
    const found = new Map<string, number[]>();
    for (let after = ''; ; ) {
      const page: UsagePage = await have(
        door,
        'GET',
        `/v1/usage?group_by=model,kind&limit=1000${after && `&after=${after}`}`,
      );
      for (const { results } of page.data)
        for (const { model, kind, requests, total_tokens } of results)
          if (kind === 'embedding' && model !== null) found.set(model, [requests, total_tokens]);
      if (!page.has_more) break;
      after = page.last_id ?? assert.fail();
    }
    assert.deepEqual(
      [found.get(model), found.get(silent)],
      [
        [2, 8],
        [1, 0],
      ],
    );
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded.refused',
  {
    says: 'what a server refuses of a request that is passed on comes in our words, with the name of the member',
    source,
  },
  async (door) => {
    const ask = async (status: number, error: object, headers = {}) => {
      const model = modelOf(door, replies(status, { error }, headers));
      return send(door, PATH, { model, input: 'x', dimensions: -1, user: 'secret words' });
    };
    await refuses(await ask(400, { message: 'dimensions: secret words', param: 'dimensions' }), {
      status: 400,
      code: null,
      param: 'dimensions',
      message: 'The model backend refused dimensions: it does not take this value.',
    });
    await refuses(await ask(400, { message: "This model's maximum context length is 10 tokens" }), {
      status: 400,
      code: 'context_length_exceeded',
      param: 'input',
    });
    await refuses(await ask(500, { message: 'secret words' }), { status: 500, code: 500 });
    await refuses(await ask(401, { message: 'secret words' }), { status: 500, code: 500 });
    const limited = await ask(429, { message: 'slow down' }, { 'retry-after': '7' });
    assert.equal(limited.headers.get('retry-after'), '7');
    await refuses(limited, { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' });
    const page = modelOf(door, replies(200, '<html>hello</html>', { 'content-type': 'text/html' }));
    await refuses(await send(door, PATH, { model: page, input: 'x' }), { status: 500, code: 500 });
    const error = modelOf(door, replies(200, { error: { message: 'secret words', code: 429 } }));
    await refuses(await send(door, PATH, { model: error, input: 'x' }), {
      status: 429,
      type: 'rate_limit_error',
      code: 'rate_limit_exceeded',
    });
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded.not-spoken',
  { says: 'a server of another protocol is refused what it has not, with the key that would have it', source },
  async (door) => {
    for (const kind of ['native', 'anthropic'] as const) {
      const model = door.model[kind](never);
      const message = /`backend: (responses|anthropic)`, which has no \/v1\/embeddings.*`backend: chat`/;
      await refuses(await send(door, PATH, { model, input: 'x' }), { status: 422, code: 422, param: 'model', message });
    }
    await refuses(await send(door, PATH, { model: 'nobody', input: 'x' }), {
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded.malformed',
  { says: 'a request that cannot be passed on is refused, and no server is asked', source },
  async (door) => {
    const cases: [body: object | string, status: number, param: string | null][] = [
      ['', 400, null],
      ['{', 400, null],
      ['[]', 422, null],
      [{ input: 'x' }, 422, 'model'],
      [{ model: 7 }, 422, 'model'],
      [{ model: null }, 422, 'model'],
      [{ model: 'demo' }, 422, 'input'],
      [{ model: 'demo', input: [] }, 422, 'input'],
      [{ model: 'demo', input: 'x', dimensions: 1e9 }, 422, 'dimensions'],
      [`{"model":"demo","input":${'['.repeat(2_000)}${']'.repeat(2_000)}}`, 422, 'input'],
      [{ model: 'demo', input: [{ image_url: { url: 'file:///etc/passwd' } }] }, 422, 'input[0].image_url.url'],
    ];
    for (const [body, status, param] of cases) {
      const reply = await send(door, PATH, body);
      const text = await reply.text();
      assert.equal(reply.status, status, text);
      assert.equal(JSON.parse(text).error.param, param, text);
    }
    const form = await send(door, PATH, 'x', { headers: { 'content-type': 'text/plain' } });
    assert.equal(form.status, 415);
    await form.text();
    const get = await door.fetch(PATH);
    assert.equal(get.status, 405);
    await get.text();
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded.leaving',
  { says: 'a client that leaves ends the call of what is passed on', source },
  (door) =>
    endsOnLeaving(door, async () => {
      const { script, begun } = hangs('{');
      const model = modelOf(door, script);
      const leaving = new AbortController();
      send(door, PATH, { model, input: 'x' }, { signal: leaving.signal }).catch(() => {});
      await begun;
      return { leave: () => leaving.abort(), closed: () => callOf(door, model).closed };
    }),
  NEEDS_HEADERS,
);

promise(
  'forwarded.silent',
  { says: 'a server that falls silent in what is passed on has failed after `limits.idle`', source },
  async (door) => {
    const model = modelOf(door, (turn) => turn.closed);
    await refuses(await send(door, PATH, { model, input: 'x' }), { status: 500, code: 500, message: /limits\.idle/ });
  },
  NEEDS_HEADERS,
);

promise(
  'forwarded.page',
  { says: 'a page of an allowed origin may have its requests passed on, and read the reply', source },
  async (door) => {
    const reply = await send(
      door,
      PATH,
      { model: modelOf(door, embeds), input: 'x' },
      { headers: { origin: testOrigin } },
    );
    assert.equal(reply.headers.get('access-control-allow-origin'), testOrigin);
    assert.equal(reply.status, 200);
    await reply.text();
  },
  NEEDS_HEADERS,
);
