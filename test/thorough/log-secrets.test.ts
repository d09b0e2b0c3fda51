import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { configureLog, describe, log, parseConfig } from '../../handler/index.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { newFolder } from '../support/folder.ts';
import { replies, type ScriptedModel, startScriptedModel } from '../support/model/scripted.ts';
import { UNREACHABLE } from '../support/ports.ts';
import { startCommand, writeConfig } from '../support/product.ts';

/** What must stand in no line at any level: each is planted in places of its own. */
const KEY = 'k3y-"of\\the"-model';
const HOOK_SECRET = 'the secret of the webhooks';
const HOOK_PATH = '/services/T01/B02/capability-of-the-receiver';
const HOOK_URL = `http://127.0.0.1:${UNREACHABLE}${HOOK_PATH}`;
const SEAL = 'the seal secret of this file, 32 and more';
const PROOF = 'the-proof-of-the-envoy';
const FUNCTION_KEY = 'the-key-of-the-function';
const SEARCH = 'the-key-of-the-web-search';
const CONNECTOR_KEY = 'the-key-of-the-connector';
const TENANT_KEY = 'the-key-of-a-tenant-there';
const FOREIGN = 'sk-proj-abcDEF0123456789_-xyz';
const SECRETS = [
  KEY,
  JSON.stringify(KEY).slice(1, -1),
  HOOK_SECRET,
  HOOK_PATH,
  SEAL,
  PROOF,
  FUNCTION_KEY,
  SEARCH,
  CONNECTOR_KEY,
  TENANT_KEY,
  FOREIGN,
];

/** A user's text in a backend's reply: only the debug level may log it. */
const WORDS = 'my daughter is called Rosalind';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

let dir: string;
let model: ScriptedModel;
before(async () => {
  dir = newFolder();
  model = await startScriptedModel();
});
after(() => model.close());

function configFile() {
  const url = model.url;
  return {
    models: [
      { match: 'native-*', backend: 'responses', url, key: KEY },
      { match: 'anthropic-*', backend: 'anthropic', url, key: KEY },
      { match: 'down', backend: 'chat', url: `http://127.0.0.1:${UNREACHABLE}/v1?api-key=${FOREIGN}`, key: KEY },
      { match: '*', backend: 'chat', url, key: KEY },
    ],
    webhooks: [{ url: HOOK_URL, secret: HOOK_SECRET }],
    secrets: [{ id: 'k1', key: SEAL }],
    proof: { value: PROOF },
    mcp: [
      {
        ...{ label: 'crm', url: model.mcp.serve([], { status: 500 }, 'crm').url },
        headers: { 'x-api-key': CONNECTOR_KEY },
        credentials: [{ tenant: 'default', headers: { authorization: `Bearer ${TENANT_KEY}` } }],
      },
      { label: 'git', command: ['no-such-program'], env: { GIT_TOKEN: CONNECTOR_KEY } },
    ],
    tools: [
      {
        http: {
          ...{ name: 'keyed', description: 'Says its key.', offer: 'always', url: `http://127.0.0.1:${UNREACHABLE}` },
          headers: { authorization: `Bearer ${FUNCTION_KEY}` },
        },
      },
    ],
    hosted: { web_search: { provider: 'brave', key: SEARCH } },
  };
}

/** Asserts that a text has none of the secrets; a failure names the one that it has. */
function holdsNone(text: string, planted: readonly string[], where: string): void {
  for (const secret of planted) assert.ok(!text.includes(secret), `${where}: ${secret} in ${text.slice(0, 4_000)}`);
}

/** Everything that goes wrong with words and keys in it: requests by path and body, each with what its model answers. */
function requests(): [path: string, init: RequestInit][] {
  const says = { error: { message: `Incorrect API key ${KEY}: ${FOREIGN}, Bearer ${KEY}: ${WORDS}`, type: WORDS } };
  const names = (['script', 'native', 'anthropic'] as const).flatMap((protocol) => [
    ...[400, 401, 404, 429, 500, 503].map((status) => model[protocol](replies(status, says))),
    model[protocol](replies(400, `${WORDS} ${KEY}`)),
    model[protocol](replies(200, `data: {"${WORDS}": ${KEY}\n\n`, { 'content-type': 'text/event-stream' })),
    model[protocol](replies(200, `data: ${JSON.stringify(says)}\n\n`, { 'content-type': 'text/event-stream' })),
  ]);
  const create = (body: object | string): RequestInit => ({
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${FOREIGN}`,
      'x-request-id': FOREIGN,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return [
    ...[...names, 'down'].flatMap((name): [string, RequestInit][] => [
      ['/v1/responses', create({ model: name, input: WORDS })],
      ['/v1/responses', create({ model: name, input: WORDS, stream: true })],
      ['/v1/responses/input_tokens', create({ model: name, input: WORDS })],
      ['/v1/responses/compact', create({ model: name, input: WORDS })],
    ]),
    ...['crm', 'git'].map((server_label): [string, RequestInit] => [
      '/v1/responses',
      create({ model: names[0], input: WORDS, tools: [{ type: 'mcp', server_label }] }),
    ]),
    [
      '/v1/responses',
      create({
        ...{ model: names[0], input: WORDS },
        tools: [
          {
            type: 'mcp',
            server_label: 's',
            server_url: model.mcp.serve([], { token: 'x' }).url,
            authorization: FOREIGN,
          },
        ],
      }),
    ],
    ['/v1/responses', create(`${WORDS} {`)],
    ['/v1/responses', create(`{"input": ${WORDS}}`)],
    ['/v1/responses', create({ model: FOREIGN, input: WORDS })],
    [`/v1/responses/${FOREIGN}`, {}],
    [`/v1/responses/${'x'.repeat(180)}${FOREIGN}`, {}],
    [`/v1/models?key=${FOREIGN}`, {}],
    ['/v1/responses', create({ model: names[0], input: WORDS, background: true })],
  ];
}

for (const level of LEVELS) {
  test(`no key stands in any line at ${level}, and a user's words at most in what a backend answered`, async (t) => {
    const lines: string[] = [];
    configureLog(level, (line) => lines.push(line));
    const handler = await testHandler(model, { config: parseConfig(configFile()) });
    t.after(handler.close);
    for (const [path, init] of requests()) await (await handler.fetch(new Request(`http://test${path}`, init))).text();
    await handler.drain(5_000);
    await handler.deliver();

    const text = lines.join('');
    for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), line);
    if (level !== 'error') assert.match(text, /webhooks\[0\]/);
    holdsNone(text, SECRETS, level);
    const aboveDebug = lines.filter((line) => JSON.parse(line).level !== 'DEBUG').join('');
    assert.ok(aboveDebug.length > 0);
    holdsNone(aboveDebug, [WORDS, 'Rosalind'], level);
    if (level === 'debug') assert.ok(text.includes(WORDS), 'at debug a backend is heard');
  });
}

test('whoever writes a line, and in whichever member or cause, writes no key', async (t) => {
  const lines: string[] = [];
  configureLog('debug', (line) => lines.push(line));
  const handler = await testHandler(model, { config: parseConfig(configFile()) });
  t.after(handler.close);
  const basic = `Basic ${btoa('user:a password')}`;
  const url = `https://user:p@ss:w0rd@host.example/v1?signature=${'ab'.repeat(20)}`;
  const cause = new TypeError(`Headers.append: "${KEY}" is an invalid header value`, {
    cause: { headers: [KEY, basic] },
  });
  const circle: Record<string, unknown> = { key: KEY };
  circle.self = circle;
  const error = new Error(`fetch of ${url} failed`, { cause });
  for (const level of LEVELS) {
    log[level](`${FOREIGN} {name}`, {
      name: KEY,
      error: describe(error),
      stack: error.stack,
      deep: { list: [KEY, url] },
    });
    log[level](`cut ${'x'.repeat(3_000)}`, { error: describe(`${'x'.repeat(1_990)}${KEY}`) });
    log[level]('raw', { error });
    log[level]('secrets', { all: SECRETS.map((one) => (one === HOOK_PATH ? HOOK_URL : one)) });
    log[level]('a circle', { error: describe(circle) });
  }
  const text = lines.join('');
  for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), line);
  holdsNone(text, [...SECRETS, KEY.slice(0, 6), basic.slice(6), 'p@ss', 'w0rd', 'abab'], 'a line');
  assert.match(text, /host\.example/);
});

test('neither the greeting, nor the log, nor what refuses to start tells a key', async (t) => {
  const start = async (args: string[], env?: Record<string, string>) => {
    const command = await startCommand(['-no-envoy', ...args], env);
    t.after(() => command.kill('SIGKILL'));
    return command;
  };
  const base = model.url.replace('http://', '');
  const env = (url: string) => ({ OPENAI_BASE_URL: url, OPENAI_API_KEY: KEY });
  const started = await start(['-log-level', 'debug'], env(`${model.url}?api-key=${FOREIGN}`));
  assert.match(started.stderr(), /Antiphon is ready/);
  started.kill('SIGTERM');
  await started.exited;
  const withUser = await start([], env(`http://user:p4ssw0rd@${base}`));
  assert.equal(await withUser.exited, 1);
  assert.match(withUser.stderr(), /OPENAI_BASE_URL must not hold a user or a password.*OPENAI_API_KEY/);
  const odd = await start([], env(`ftp://user:p4ssw0rd@${base}`));
  assert.equal(await odd.exited, 1);
  const own = await writeConfig(dir, {
    models: [{ match: '*', backend: 'chat', url: `http://127.0.0.1:20999/v1?api-key=${FOREIGN}`, key: KEY }],
  });
  const circle = await start(['-http-port', '20999', '-config', own]);
  assert.equal(await circle.exited, 1);
  for (const { stdout, stderr } of [started, withUser, odd, circle])
    holdsNone(stdout() + stderr(), [...SECRETS, 'p4ssw0rd'], 'the command');
});
