import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configureLog, parseConfig } from '../handler/index.ts';
import { answers, callsFunction, fleetOf, inOrder, refuses, two, unreachable, upstream } from './support/fleet.ts';

describe('fallback', () => {
  const other = { match: 'other', backend: 'chat', url: 'http://o/v1' };

  test('another model answers where no server of the one does', async (t) => {
    const fleet = await fleetOf(t, { to: two, fallback: ['other'], retry: { attempts: 0 } }, other);
    for (const host of ['a', 'b']) fleet.play(host, refuses(500));
    const { status, json } = await fleet.turn();
    assert.equal(status, 200);
    assert.equal(json.model, 'm');
    assert.equal(fleet.calls.at(-1)?.body.model, 'other');
    assert.equal(fleet.hosts().length, 3);
  });

  test('an input that is too long goes to a model with a larger context alone', async (t) => {
    const small = { ...other, match: 'small', url: 'http://s/v1', context: 1_000 };
    const large = { ...other, match: 'large', url: 'http://l/v1', context: 100_000 };
    const fleet = await fleetOf(t, { to: two, context: 8_000, fallback: ['small', 'large'] }, small, large);
    const overflow = refuses(400, { error: { message: 'too long', code: 'context_length_exceeded' } });
    for (const host of ['a', 'b']) fleet.play(host, overflow);
    assert.equal((await fleet.turn()).status, 200);
    const [first, second, ...more] = fleet.hosts();
    assert.match(String(first), /a|b/);
    assert.deepEqual([second, ...more], ['l']);
  });

  test('the next fallback answers where one fails, by what the model that was asked for says of failures', async (t) => {
    const next = { ...other, match: 'next', url: 'http://n/v1' };
    const fleet = await fleetOf(t, { to: two, fallback: ['other', 'next'], retry: { attempts: 0 } }, other, next);
    for (const host of ['a', 'b', 'o']) fleet.play(host, refuses(500));
    assert.equal((await fleet.turn()).status, 200);
    assert.equal(fleet.hosts().at(-1), 'n');
  });

  test('several may be models of one entry, each of which is asked by its name', async (t) => {
    const many = { ...other, match: 'o-*' };
    const fleet = await fleetOf(t, { to: two, fallback: ['o-1', 'o-2'], retry: { attempts: 0 } }, many);
    for (const host of ['a', 'b']) fleet.play(host, refuses(500));
    fleet.play('o', refuses(404, { error: { message: 'model not found', code: 'model_not_found' } }), answers);
    assert.equal((await fleet.turn()).status, 200);
    assert.deepEqual(
      fleet.calls.slice(-2).map(({ body }) => body.model),
      ['o-1', 'o-2'],
    );
  });

  test('the context that a fallback names is not learned of the model that was asked for', async (t) => {
    const fleet = await fleetOf(t, { to: two, fallback: ['other'], retry: { attempts: 0 } }, other);
    const message = "This model's maximum context length is 2000 tokens. However, your messages have 4000 tokens.";
    for (const host of ['a', 'b']) fleet.play(host, refuses(500), answers);
    fleet.play('o', refuses(400, { error: { message, code: 'context_length_exceeded' } }));
    const said = { role: 'user', content: 'a long message '.repeat(60) };
    const request = { truncation: 'auto', input: Array.from({ length: 20 }, () => said) };
    await fleet.turn(request);
    assert.ok(fleet.calls.some(({ host, body }) => host !== 'o' && body.messages.length < 20));
    fleet.hosts();
    await fleet.turn(request);
    assert.equal(fleet.calls[0]?.body.messages.length, 20);
  });

  test('two models that fall back on one another are each asked once', async (t) => {
    const back = { match: 'n', backend: 'chat', url: 'http://n/v1', fallback: ['m'] };
    const fleet = await fleetOf(t, { to: two, fallback: ['n'], retry: { attempts: 0 } }, back);
    for (const host of ['a', 'b', 'n']) fleet.play(host, refuses(500));
    assert.equal((await fleet.turn()).status, 500);
    assert.deepEqual(fleet.hosts().sort(), ['a', 'b', 'n']);
  });

  test('what one server cannot carry another gets', async (t) => {
    const to = [{ url: 'http://a/v1' }, { url: 'http://b/v1', backend: 'responses', openai: true, priority: 1 }];
    const fleet = await fleetOf(t, { to, grammars: 'refuse' });
    const tools = [
      { type: 'custom', name: 'lark', format: { type: 'grammar', syntax: 'lark', definition: 'start: "a"' } },
    ];
    fleet.play('b', refuses(500));
    const { status } = await fleet.turn({ tools });
    assert.equal(status, 500);
    assert.deepEqual(fleet.hosts(), ['b', 'b']); // and once more, as retry.attempts is by itself
  });

  test('and what none can carry is refused at once, by its name', async (t) => {
    const fleet = await fleetOf(t, { to: two, grammars: 'refuse' });
    const tools = [
      { type: 'custom', name: 'lark', format: { type: 'grammar', syntax: 'lark', definition: 'start: "a"' } },
    ];
    const { status, json } = await fleet.turn({ tools });
    assert.equal(status, 422);
    assert.match(json.error.param, /tools/);
    assert.deepEqual(fleet.hosts(), []);
  });
});

test('a model has another name at its servers, and responses say which one served where that is wanted', async (t) => {
  const to = [{ url: 'http://a/v1', as: 'Qwen/Qwen3-32B' }];
  const fleet = await fleetOf(t, { match: 'qwen*', as: 'unused', to, replyModel: 'served' });
  const { json } = await fleet.turn({ model: 'qwen-fast' });
  assert.equal(fleet.calls[0]?.body.model, 'Qwen/Qwen3-32B');
  assert.equal(json.model, 'Qwen/Qwen3-32B-served');
});

describe('in a turn of several rounds', () => {
  const other = { match: 'other', backend: 'chat', url: 'http://o/v1' };
  const tools = [{ type: 'test_tool', label: 'routing' }];

  test('each round may be made by another server, and a tool runs once', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder, retry: { attempts: 0 } });
    fleet.play('a', callsFunction('add'), unreachable);
    const { status, json } = await fleet.turn({ tools });
    assert.equal(status, 200);
    assert.deepEqual(fleet.hosts(), ['a', 'a', 'b']);
    // biome-ignore lint/suspicious/noExplicitAny: a reply without a schema
    assert.equal(json.output.filter((item: any) => item.type === 'mcp_call').length, 1);
  });

  test('once a model has answered, no other goes on', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder, fallback: ['other'], retry: { attempts: 0 } }, other);
    fleet.play('a', callsFunction('add'), unreachable);
    fleet.play('b', refuses(500));
    const { status } = await fleet.turn({ tools });
    assert.equal(status, 500);
    assert.deepEqual(fleet.hosts(), ['a', 'a', 'b']);
  });

  test('what one server has encrypted goes back to it, and to no other', async (t) => {
    for (const [next, gets] of [
      [answers, 'a'],
      [unreachable, 'b'],
    ] as const) {
      const fleet = await fleetOf(t, { to: inOrder, retry: { attempts: 0 } });
      const signed = { extra_content: { google: { thought_signature: 'signature-of-a' } } };
      fleet.play('a', callsFunction('add', signed), next);
      assert.equal((await fleet.turn({ tools })).status, 200);
      const last = fleet.calls.at(-1);
      assert.equal(last?.host, gets);
      assert.equal(JSON.stringify(last?.body).includes('signature-of-a'), gets === 'a');
    }
  });

  test('a fallback that has answered goes on', async (t) => {
    const fleet = await fleetOf(t, { to: inOrder, fallback: ['other'], retry: { attempts: 0 } }, other);
    for (const host of ['a', 'b']) fleet.play(host, unreachable, answers);
    fleet.play('o', callsFunction('add'), answers);
    const { json } = await fleet.turn({ tools });
    assert.deepEqual(fleet.hosts(), ['a', 'b', 'o', 'o']);
    assert.equal(json.output.at(-1).content[0].text, 'o says hello');
  });
});

test('turns in the background and token counts are routed in the same way', async (t) => {
  const fleet = await fleetOf(t, { to: inOrder });
  fleet.play('a', refuses(503));
  const { json } = await fleet.turn({ background: true });
  for (let { status } = json; status !== 'completed'; ) {
    const reply = await fleet.handler.fetch(new Request(`http://x/v1/responses/${json.id}`));
    ({ status } = (await reply.json()) as { status: string });
  }
  assert.deepEqual(fleet.hosts(), ['a', 'b']);
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify({ model: 'm', input: 'Hi' }) };
  const count = await fleet.handler.fetch(new Request('http://x/v1/responses/input_tokens', init));
  assert.equal(count.status, 200);
});

test('the log says who has answered, and who was passed over', async (t) => {
  const lines: string[] = [];
  configureLog('info', (line) => void lines.push(line));
  t.after(() => configureLog('error', () => {}));
  const fleet = await fleetOf(t, { to: inOrder });
  fleet.play('a', refuses(503));
  await fleet.turn();
  const all = lines.map((line) => JSON.parse(line));
  const passed = all.find(({ message }) => message === 'a model server is passed over');
  assert.deepEqual([passed.url_host, passed.reason, passed.model], ['a', '503', 'm']);
  assert.match(passed.request_id, /^req_/);
  const request = all.find(({ message, path }) => message === 'request' || path === '/v1/responses');
  assert.deepEqual([request.url_host, request.passed_over], ['b', 1]);
});

describe('the configuration says what is wrong', () => {
  const wrong: [entries: object[], says: RegExp][] = [
    [[{ match: 'm', backend: 'chat', to: [] }], /models\.0\.to must name at least one server/],
    [[{ match: 'm', backend: 'chat', url: 'http://a/v1', to: two }], /models\.0\.url belongs into each server of `to`/],
    [
      [{ match: 'm', backend: 'chat', url: 'http://a/v1', timeouts: { hedge: '2s' } }],
      /models\.0\.timeouts\.hedge is for an entry with several servers/,
    ],
    [[{ match: 'm', backend: 'chat', to: [{}] }], /models\.0\.to\.0\.url is needed by/],
    [[{ match: 'm', backend: 'chat', to: [{ url: 'http://a/v1', weight: 0 }] }], /models\.0\.to .*weight 0/],
    [
      [{ match: 'm', backend: 'chat', to: [{ url: 'http://a/v1', wieght: 1 }] }],
      /models\.0\.to\.0\.wieght .*did you mean weight/,
    ],
    [[{ match: 'm', backend: 'chat', to: two, fallback: ['n'] }], /models\.0\.fallback\.0 is matched by no entry/],
    [[{ match: '*', backend: 'chat', to: two, fallback: ['n'] }], /models\.0\.fallback\.0 is matched by its own entry/],
    [
      [{ match: 'm', backend: 'chat', to: two, retry: { on: ['sometimes'] } }],
      /retry\.on\.0 must be connect, timeout, 5xx/,
    ],
    [[{ match: 'm', backend: 'chat', to: two, retry: { attempts: 99 } }], /retry\.attempts must be at most 10/],
    [[{ match: 'm', backend: 'demo', to: two }], /models\.0\.to\.0\.url is needed by/],
    [
      [{ match: 'm', backend: 'chat', to: [{ url: 'http://a/v1', backend: 'anthropic', openai: true }] }],
      /to\.0\.openai is known to/,
    ],
  ];
  for (const [models, says] of wrong) test(`${says}`, () => assert.throws(() => parseConfig({ models }), says));
});

test('GET /v1/models tells the context of each model, what it takes, and how many of its servers are up', async (t) => {
  const listed = { id: 'x', max_model_len: 4096, architecture: { input_modalities: ['text', 'image'] } };
  const to = inOrder.map((server) => ({ ...server, as: 'x' }));
  const fleet = await fleetOf(
    t,
    { to, breaker: { failures: 1, open: '60s' } },
    { match: 'x', backend: 'chat', url: 'http://c/v1', context: 999 },
  );
  fleet.list('a', listed);
  fleet.list('b', { ...listed, max_model_len: 2048 });
  fleet.play('a', refuses(500));
  await fleet.turn();
  const reply = await fleet.handler.fetch(new Request('http://x/v1/models'));
  const { data } = (await reply.json()) as { data: object[] };
  const named = { object: 'model', created: 0, owned_by: 'antiphon' };
  assert.deepEqual(data, [
    { id: 'm', ...named, context_window: 2048, input_modalities: ['text', 'image'], servers: { up: 1, all: 2 } },
    { id: 'x', ...named, context_window: 999, servers: { up: 1, all: 1 } },
  ]);
  const one = await fleet.handler.fetch(new Request('http://x/v1/models/m'));
  assert.deepEqual(await one.json(), data[0]);
});

test('tokens are counted by the next server where the first cannot be asked', async (t) => {
  const fleet = await fleetOf(t, { to: inOrder, backend: 'anthropic' });
  fleet.play('a', refuses(503));
  fleet.play('b', () => upstream(200, ['{"input_tokens":42}']));
  const reply = await fleet.ask('/v1/responses/input_tokens', { model: 'm', input: 'Hi' });
  assert.equal(((await reply.json()) as { input_tokens: number }).input_tokens, 42);
  assert.deepEqual(fleet.hosts(), ['a', 'b']);
});
