import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { parse } from 'yaml';
import { compileCel } from '../../handler/cel.ts';
import { parseConfig } from '../../handler/index.ts';
import { serveGrpc } from '../../shim/server.ts';
import { until } from '../promises/state-ask.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort, UNREACHABLE } from '../support/ports.ts';
import { type RateLimiter, SECONDS_LEFT, startRateLimiter } from '../support/rate-limiter.ts';
import { type Closes, startConfigured } from './configured.ts';
import { ask as askOverHttp } from './shim-client.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests reach into what was parsed without a schema
type Parsed = any;

/** Tokens an hour. A scripted reply has 18. */
const BUDGET = 40;

const KEYS = { 'team-1': 'sk-example-of-team-1', 'team-2': 'sk-example-of-team-2' };
type Team = keyof typeof KEYS;

const yaml = async (name: string): Promise<Parsed> =>
  parse(await readFile(new URL(`../../envoy/${name}`, import.meta.url), 'utf8'));

let model: ScriptedModel;
let limiter: RateLimiter;
let origin: string;
let closeAll: () => Promise<void>;
const lines: string[] = [];

/** Starts an Envoy with this configuration, and its processor and rate limit service at these ports; gives its origin. */
async function startBudgets(t: Closes, config: Parsed, ports: number[]) {
  for (const [index, at] of ports.entries()) {
    const { load_assignment } = config.static_resources.clusters[index];
    const address = { socket_address: { address: '127.0.0.1', port_value: at } };
    load_assignment.endpoints[0].lb_endpoints[0].endpoint.address = address;
  }
  return `http://127.0.0.1:${await startConfigured(t, config, { accessLog: (line) => lines.push(line) })}`;
}

before(async () => {
  model = await startScriptedModel();
  limiter = await startRateLimiter(BUDGET);
  const costs = [
    { match: 'scripted-*', cel: 'input_tokens + 4u * output_tokens' },
    { match: '*', name: 'quota', cel: 'total_tokens * 600000000000000u' },
  ];
  const attributes = [
    { header: 'x-team', as: 'team', on: ['metadata'] },
    { header: 'x-agent', as: 'agent', on: ['log', 'spans'] },
  ];
  const config = parseConfig({ ...testConfigFile(model), costs, attributes });
  const handler = await testHandler(model, { config, compileCel });
  const limits = { body: 1024 * 1024, reply: 4 * 1024 * 1024, time: 60_000 };
  const address = `127.0.0.1:${await freePort()}`;
  const shim = await serveGrpc({ address, fetch: handler.fetch, limits, log: () => {} });
  let stop = async () => {};
  const stopping = {
    after(then: () => Promise<void>) {
      stop = then;
    },
  };
  origin = await startBudgets(stopping, await yaml('envoy-budgets.yaml'), [shim.port, limiter.port]);
  closeAll = async () => {
    await stop();
    await shim.close();
    limiter.close();
    await handler.close();
    await model.close();
  };
});

after(() => closeAll());

function ask(team: Team | undefined, body?: object, path = '/v1/responses', init: RequestInit = {}): Promise<Response> {
  const headers = { ...(team && { authorization: `Bearer ${KEYS[team]}` }), ...init.headers };
  const rest = body && { method: 'POST', body: JSON.stringify(body) };
  return fetch(origin + path, { ...rest, ...init, headers: { 'content-type': 'application/json', ...headers } });
}

const spent = (team: Team) => limiter.counts.get(`client=${team}`) ?? 0;

/** Sets back what a team has spent. */
function anew(team: Team): void {
  (limiter.counts as Map<string, number>).delete(`client=${team}`); // it is one
}

/** The line of a request in the access log. */
async function logged(id: string | null): Promise<Parsed> {
  const find = () => lines.find((line) => line.includes(`"request_id":"${id}"`));
  await until(() => find() !== undefined);
  return JSON.parse(find() ?? '');
}

const idOf = (reply: Response) => reply.headers.get('x-request-id');

/** What is asked, once it has been read whole and charged: a charge is made behind the reply. */
async function charged(team: Team, body: object): Promise<Response> {
  const charge = limiter.charged(`client=${team}`);
  const reply = await ask(team, body);
  const text = await reply.text();
  await charge;
  return new Response(text, reply);
}

test('JSON and streams are charged what they used, in turn, until the budget is spent: then it is 429 in our words', async () => {
  anew('team-1');
  const name = model.script(says('Hello'));
  for (const [index, stream] of [false, true, false].entries()) {
    const reply = await charged('team-1', { model: name, input: 'Hi.', stream });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('x-ratelimit-remaining'), String(BUDGET - 18 * index));
    assert.equal(spent('team-1'), 18 * (index + 1));
    const { status, llm, antiphon, flags } = await logged(idOf(reply));
    assert.deepEqual([status, flags], [200, '-']);
    const { token_latency_ttft, token_latency_itl, ...told } = llm;
    assert.ok(token_latency_ttft >= 0 && token_latency_itl >= 0);
    assert.deepEqual(told, {
      backend_name: new URL(model.url).host,
      model_name_override: name,
      ...(llm.response_model !== undefined && { response_model: llm.response_model }),
      llm_input_token: 11,
      llm_output_token: 7,
      llm_total_token: 18,
      llm_cached_input_token: 0,
      llm_cache_creation_input_token: 0,
      llm_reasoning_token: 0,
    });
    const { response_id, ...rest } = antiphon;
    assert.match(response_id, /^resp_/);
    // A cost that cannot be calculated in the end takes back what was said of it before.
    const expected = { backend: 'chat', finish: 'stop', llm_cost: 39 };
    assert.deepEqual(rest, stream ? { ...expected, quota: 0 } : expected);
  }
  const calls = model.calls(name).length;
  const reply = await ask('team-1', { model: name, input: 'Hi.' });
  assert.equal(reply.status, 429);
  assert.equal(reply.headers.get('content-type'), 'application/json');
  assert.equal(reply.headers.get('retry-after'), String(SECONDS_LEFT));
  assert.equal(reply.headers.get('x-should-retry'), 'false');
  const { error } = (await reply.json()) as Parsed;
  assert.match(error.message, /budget/);
  assert.deepEqual(
    { ...error, message: '' },
    { message: '', type: 'rate_limit_error', code: 'rate_limit_exceeded', param: null },
  );
  assert.equal(model.calls(name).length, calls);
  const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: KEYS['team-1'], maxRetries: 2 });
  await assert.rejects(client.responses.create({ model: name, input: 'Hi.' }), OpenAI.RateLimitError);
  assert.equal((await logged(idOf(reply))).details, 'request_rate_limited');
  await charged('team-2', { model: name, input: 'Hi.' });
  const refusals = () => lines.filter((line) => line.includes('request_rate_limited')).length;
  await until(() => refusals() > 1);
  assert.equal(refusals(), 2, 'the SDK did not call again');
});

test('headers that are attributes are in the access log where the configuration says so, and only there', async () => {
  const name = model.script(says('Hello'));
  for (const [stream, team, told] of [
    [false, 'blue', 'blue'],
    [true, 'x'.repeat(5_000), 'x'.repeat(128)],
    [true, 'a\tb', 'a b'],
  ] as const) {
    anew('team-2');
    const charge = limiter.charged('client=team-2');
    const headers = { 'x-team': team, 'x-agent': 'codex' };
    const reply = await ask('team-2', { model: name, input: 'Hi.', stream }, '/v1/responses', { headers });
    await reply.text();
    await charge;
    const { antiphon } = await logged(idOf(reply));
    assert.deepEqual([antiphon.team, antiphon.agent, antiphon.finish], [told, undefined, 'stop']);
  }
});

test('an error is free: a bad request, an unknown model, a model that fails, a stream that says nothing', async () => {
  anew('team-1');
  const fails = model.script((turn) => turn.reply(500, { error: { message: 'no' } }));
  const cut = model.script((turn) => turn.cut());
  const half = model.script(async (turn) => {
    await turn.text('Hello');
    turn.cut();
  });
  for (const [body, status] of [
    [{ model: fails, input: 5 }, 400],
    [{ model: 'unheard-of', input: 'Hi.' }, 400],
    [{ model: fails, input: 'Hi.' }, 500],
    [{ model: fails, input: 'Hi.', stream: true }, 500],
    [{ model: cut, input: 'Hi.' }, 500],
    [{ model: half, input: 'Hi.' }, 500],
  ] as const) {
    const reply = await ask('team-1', body);
    assert.ok(reply.status >= 400, JSON.stringify(body));
    assert.equal(reply.status >= 500, status === 500, await reply.text());
    const { llm } = await logged(idOf(reply));
    assert.equal(llm?.llm_total_token ?? 0, 0, JSON.stringify(body));
  }
  await ask('team-1', undefined, '/v1/models');
  assert.equal(spent('team-1'), 0);
});

test('a client that leaves in mid-stream is charged for what it got', async () => {
  anew('team-1');
  const name = model.script(async (turn) => {
    for (let n = 0; n < 20; n++) {
      await turn.text('word ');
      await turn.sleep(2);
    }
    await turn.closed;
  });
  const charge = limiter.charged('client=team-1');
  const reply = await ask('team-1', { model: name, input: 'A question of some length.', stream: true });
  const reader = reply.body?.getReader();
  let text = '';
  while ((text.match(/"delta":"word "/g)?.length ?? 0) < 20) text += Buffer.from((await reader?.read())?.value ?? []);
  await reader?.cancel();
  await charge;
  const { llm, flags, antiphon } = await logged(idOf(reply));
  assert.equal(flags, 'DC');
  assert.equal(llm.llm_output_token, 25); // 100 characters
  assert.ok(llm.llm_input_token > 5);
  assert.equal(llm.llm_total_token, llm.llm_input_token + llm.llm_output_token);
  assert.equal(antiphon.llm_cost, llm.llm_input_token + 4 * llm.llm_output_token);
  assert.equal(antiphon.finish, undefined);
  assert.equal(spent('team-1'), llm.llm_total_token);
});

test('a stream that breaks off is charged for what it said', async () => {
  anew('team-1');
  const name = model.script(async (turn) => {
    await turn.text('Hello there, you.');
    await turn.sleep(20);
    turn.cut();
  });
  const reply = await charged('team-1', { model: name, input: 'Hi.', stream: true });
  assert.match(await reply.text(), /response\.failed/);
  const { llm, antiphon } = await logged(idOf(reply));
  assert.deepEqual([llm.llm_output_token, antiphon.finish], [5, 'failed']);
  assert.equal(spent('team-1'), llm.llm_total_token);
});

test('a client that leaves before its reply begins is charged nothing, and ends the model call', async () => {
  anew('team-1');
  const begun = Promise.withResolvers<void>();
  const name = model.script(async (turn) => {
    begun.resolve();
    await turn.closed;
  });
  const leaving = new AbortController();
  const id = 'left-early';
  const init = { signal: leaving.signal, headers: { 'x-request-id': id } };
  const reply = ask('team-1', { model: name, input: 'Hi.' }, '/v1/responses', init);
  await begun.promise;
  leaving.abort();
  await assert.rejects(reply);
  await model.calls(name)[0]?.closed;
  const { flags, llm } = await logged(id);
  assert.deepEqual([flags, llm], ['DC', null]);
  await charged('team-2', { model: model.script(says('Hi')), input: 'Hi.' });
  assert.equal(spent('team-1'), 0);
});

test('what was made before, under the same key, is free', async () => {
  anew('team-1');
  const name = model.script(says('Hello'));
  const headers = { 'idempotency-key': 'once' };
  for (let n = 0; n < 3; n++) {
    const reply = await ask('team-1', { model: name, input: 'Hi.' }, '/v1/responses', { headers });
    assert.equal(reply.status, 200);
    await reply.text();
    await logged(idOf(reply));
  }
  await until(() => spent('team-1') > 0);
  assert.equal(spent('team-1'), 18);
});

test('a key that is missing or wrong is 401 in our words, whatever else it says', async () => {
  const body = { model: 'demo', input: 'Hi.' };
  const spoofed = { 'x-client-id': 'team-1' };
  const wrong = { authorization: 'Bearer sk-wrong' };
  for (const headers of [{}, spoofed, wrong, { ...spoofed, ...wrong }]) {
    const reply = await ask(undefined, body, '/v1/responses', { headers });
    assert.equal(reply.status, 401);
    const { error } = (await reply.json()) as Parsed;
    assert.deepEqual([error.type, error.code, error.param], ['invalid_request_error', 'invalid_api_key', null]);
  }
  anew('team-1');
  anew('team-2');
  await charged('team-2', { model: model.script(says('Hi')), input: 'Hi.' });
  const reply = await ask('team-2', { model: 'demo', input: 'Hi.' }, '/v1/responses', { headers: spoofed });
  assert.equal(reply.status, 200);
  assert.equal(spent('team-1'), 0, 'a caller cannot say that it is another');
});

test('CORS is Envoy’s: preflights without a key, its headers on replies and on refusals, none for other pages', async () => {
  anew('team-1');
  const preflight = (from: string) => ({
    method: 'OPTIONS',
    headers: { origin: from, 'access-control-request-method': 'POST' },
  });
  const asked = await ask(undefined, undefined, '/v1/responses', preflight('https://app.example'));
  assert.deepEqual([asked.status, asked.headers.get('access-control-allow-origin')], [200, 'https://app.example']);
  const other = await ask(undefined, undefined, '/v1/responses', preflight('https://evil.example'));
  assert.deepEqual([other.status, other.headers.get('access-control-allow-origin')], [401, null]);
  const name = model.script(says('Hello'));
  const headers = { origin: 'https://app.example' };
  for (const stream of [false, true, false]) {
    const charge = limiter.charged('client=team-1');
    const reply = await ask('team-1', { model: name, input: 'Hi.', stream }, '/v1/responses', { headers });
    assert.deepEqual([reply.status, reply.headers.get('access-control-allow-origin')], [200, 'https://app.example']);
    await reply.text();
    await charge;
  }
  const refused = await ask('team-1', { model: name, input: 'Hi.' }, '/v1/responses', { headers });
  assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [429, 'https://app.example']);
});

test('a WebSocket is refused: nobody would count it', async () => {
  const headers = { upgrade: 'websocket', connection: 'upgrade', authorization: `Bearer ${KEYS['team-2']}` };
  const reply = await askOverHttp(`${origin}/v1/responses`, {
    headers: { ...headers, 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'sec-websocket-version': '13' },
  });
  assert.equal(reply.status, 426);
});

test('local_ratelimit and jwt_authn are refused in our words by the same mappers', async (t) => {
  const config = await yaml('envoy-budgets.yaml');
  const manager = config.static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
  const filter = (name: string, type: string, rest: object) => ({
    name: `envoy.filters.http.${name}`,
    typed_config: { '@type': `type.googleapis.com/envoy.extensions.filters.http.${name}.v3.${type}`, ...rest },
  });
  const always = { default_value: { numerator: 100 } };
  const bucket = { max_tokens: 1, tokens_per_fill: 1, fill_interval: '3600s' };
  const limit = { stat_prefix: 'l', token_bucket: bucket, filter_enabled: always, filter_enforced: always };
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keys = [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'k1' }];
  const provider = { issuer: 'lab', local_jwks: { inline_string: JSON.stringify({ keys }) } };
  const rules = [{ match: { prefix: '/' }, requires: { provider_name: 'lab' } }];
  const jwt = filter('jwt_authn', 'JwtAuthentication', { providers: { lab: provider }, rules });
  manager.http_filters = [filter('local_ratelimit', 'LocalRateLimit', limit), jwt, ...manager.http_filters.slice(-2)];
  const at = await startBudgets(t, config, [UNREACHABLE, UNREACHABLE]);
  const first = await fetch(`${at}/v1/models`);
  assert.equal(first.status, 401);
  assert.match(first.headers.get('www-authenticate') ?? '', /^Bearer/);
  assert.equal(((await first.json()) as Parsed).error.code, 'invalid_api_key');
  const second = await fetch(`${at}/v1/models`);
  assert.deepEqual([second.status, second.headers.get('retry-after')], [429, '1']);
  const { error } = (await second.json()) as Parsed;
  assert.deepEqual([error.type, error.code], ['rate_limit_error', 'rate_limit_exceeded']);
});

test('but for what is marked it is envoy.yaml', async () => {
  const [plain, budgets] = [await yaml('envoy.yaml'), await yaml('envoy-budgets.yaml')];
  const manager = (file: Parsed) => file.static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
  manager(budgets).http_filters.splice(0, 3);
  manager(budgets).local_reply_config.mappers.splice(0, 3);
  delete manager(budgets).route_config.virtual_hosts[0].typed_per_filter_config;
  manager(plain).route_config.virtual_hosts[0].routes.splice(0, 1);
  budgets.static_resources.clusters.splice(1, 1);
  plain.static_resources.clusters.splice(1, 1);
  assert.deepEqual(budgets, plain);
});

test('without its rate limit service nothing is made: 503, in our shape', async () => {
  limiter.close();
  const reply = await ask('team-1', { model: 'demo', input: 'Hi.' });
  assert.equal(reply.status, 503);
  assert.equal(((await reply.json()) as Parsed).error.type, 'server_error');
});
