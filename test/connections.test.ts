import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import type { Dispatcher } from 'undici';
import { configureLog, createHandler, fetchTransport, log, openModels, parseConfig } from '../handler/index.ts';
import type { ServerConnection, TransportInit } from '../handler/transport.ts';
import { askBackends } from '../shim/backends/ask.ts';
import { ServerAgents } from '../shim/server-agents.ts';
import { checkCertificates } from '../shim/server-ca.ts';
import { showConfig } from '../shim/show-config.ts';
import { createTransport } from '../shim/transport.ts';
import { until } from './promises/state-ask.ts';
import { testDatabase } from './support/doors/database.ts';
import { serve } from './support/list-servers.ts';
import { freePort, UNREACHABLE } from './support/ports.ts';
import { startProxy } from './support/proxy.ts';
import { authority, certificate, startTlsModel } from './support/tls-model.ts';

const request: Dispatcher['request'] = createRequire(import.meta.url)('undici/lib/api/api-request.js');
const never = new AbortController().signal;

/** The status of a response that a handler makes of a model with these keys. */
async function turn(t: TestContext, entry: object) {
  const { transport, close } = createTransport();
  const database = await testDatabase();
  const config = parseConfig({ models: [{ match: '*', backend: 'chat', key: 'key-of-connections', ...entry }] });
  const handler = createHandler({ config, transport, database });
  t.after(async () => {
    await handler.close(0);
    await close();
    await database.close();
  });
  const body = JSON.stringify({ model: 'm', input: 'Hi' });
  const headers = { 'content-type': 'application/json' };
  const reply = await handler.fetch(new Request('http://x/v1/responses', { method: 'POST', body, headers }));
  return { status: reply.status, text: await reply.text() };
}

/** What is said of a model with these keys at a start. */
async function said(t: TestContext, entry: object) {
  const { transport, close } = createTransport();
  t.after(close);
  const { models = [] } = parseConfig({ models: [{ match: '*', backend: 'chat', ...entry }] });
  const [report] = await askBackends(models, transport);
  return report?.warning ?? report?.came;
}

test('a server whose authority only its `ca` names is called, and no other', async (t) => {
  const { url } = await startTlsModel(t);
  assert.equal((await turn(t, { url, ca: authority })).status, 200);
  assert.equal((await turn(t, { url })).status, 500);
  const bundle = `${certificate('client.pem')}\n# ours\n${authority}`;
  assert.equal((await turn(t, { url, ca: bundle })).status, 200);
  assert.equal((await turn(t, { url, ca: certificate('client.pem').toString() })).status, 500, 'another authority');
  assert.equal(await said(t, { url, ca: authority }), '1 model: m');
  assert.match(
    (await said(t, { url })) ?? '',
    /certificate is not trusted \(\w+\); name the file of its authority in `ca`/,
  );
  assert.match(
    (await said(t, { url, ca: certificate('client.pem').toString() })) ?? '',
    /not trusted \(\w+\); models\.0\.ca has to be the authority that signed it, and models\.0\.url the host/,
  );
});

test('each of several servers has its own authority, over that of the entry, and `timeouts.connect` is theirs', async (t) => {
  const secure = await startTlsModel(t);
  const other = certificate('client.pem').toString();
  const both = (own: object, shared: object) => ({ to: [{ url: secure.url, ...own }], ...shared, key: undefined });
  assert.equal((await turn(t, both({}, { ca: authority }))).status, 200);
  assert.equal((await turn(t, both({ ca: authority }, { ca: other }))).status, 200);
  assert.equal((await turn(t, both({ ca: other }, { ca: authority }))).status, 500);
  const entry = {
    match: '*',
    backend: 'chat',
    to: [{ url: secure.url }, { url: secure.url, ca: '-----BEGIN CERTIFICATE-----' }],
  };
  assert.throws(
    () => checkCertificates(parseConfig({ models: [entry] }).models ?? []),
    /models\.0\.to\.1\.ca cannot be used/,
  );
  const plain = {
    match: '*',
    backend: 'chat',
    to: [{ url: secure.url }, { url: 'http://models.test/v1', ca: authority }],
  };
  assert.throws(
    () => parseConfig({ models: [plain] }),
    /models\.0\.to\.1\.ca is for a server whose url begins with https:/,
  );
  const demo = { match: '*', backend: 'demo', ca: authority };
  assert.throws(() => parseConfig({ models: [demo] }), /models\.0\.ca is unknown to demo/);
  const seen: (ServerConnection | undefined)[] = [];
  const transport = Object.assign(
    async (_: string, { connection }: TransportInit) => {
      seen.push(connection);
      throw new Error('no more is needed');
    },
    { connects: true },
  );
  const { models } = parseConfig({
    models: [
      { ...entry, to: [{ url: secure.url }, { url: secure.url, proxy: 'http://p' }], timeouts: { connect: '2s' } },
    ],
  });
  for (const { backend } of openModels({ models, errorDetail: false }, transport).routes[0]?.servers ?? [])
    await assert.rejects(backend.models(never));
  assert.deepEqual(seen, [
    { ca: undefined, proxy: undefined, connect: 2_000 },
    { ca: undefined, proxy: 'http://p', connect: 2_000 },
  ]);
});

test('a server is reached through its proxy alone: by a tunnel over TLS, and else the proxy passes requests on', async (t) => {
  const proxy = await startProxy();
  t.after(proxy.close);
  const withUser = proxy.url.replace('//', '//us%40er:pass%2Fword@');
  const secure = await startTlsModel(t);
  const plain = await startTlsModel(t, { plain: true });
  for (const { url, asked, origin } of [secure, plain]) {
    const at = proxy.asked.length;
    const ca = url === secure.url ? { ca: authority } : {};
    assert.equal((await turn(t, { url, proxy: withUser, ...ca })).status, 200);
    const [first] = proxy.asked.slice(at);
    assert.equal(first?.credentials, 'us@er:pass/word');
    assert.match(
      first?.what ?? '',
      url === secure.url ? /^CONNECT 127\.0\.0\.1:\d+$/ : /^(GET|POST) http:\/\/127\.0\.0\.1:\d+\/v1\//,
    );
    for (const { headers } of asked) {
      assert.equal(headers['proxy-authorization'], undefined);
      assert.equal(headers.host, new URL(origin).host);
      assert.equal(headers.authorization, 'Bearer key-of-connections');
    }
    assert.ok(asked.length > 0);
  }
  const tunnels = proxy.asked.filter(({ what }) => what.startsWith('CONNECT'));
  for (const { headers } of tunnels) assert.equal(headers.authorization, undefined, 'the key goes inside alone');
});

test('a proxy that lets nobody through is told, and its password is not', async (t) => {
  const lines: string[] = [];
  configureLog('debug', (line) => lines.push(line));
  t.after(() => configureLog('error', () => {}));
  const secure = await startTlsModel(t);
  const plain = await startTlsModel(t, { plain: true });
  for (const { url } of [secure, plain]) {
    const ca = url === secure.url ? { ca: authority } : {};
    for (const [refuses, says] of [
      [
        407,
        /^its proxy asks for a user and a password \(407\); write http:\/\/USER:PASSWORD@HOST:PORT in models\.0\.proxy/,
      ],
      [403, url === secure.url ? /^its proxy answers 403; let models\.0\.proxy pass it on/ : /403/],
    ] as const) {
      const proxy = await startProxy({ refuses });
      t.after(proxy.close);
      const entry = { url, proxy: proxy.url.replace('//', '//user:hush-hush@'), ...ca };
      const { status, text } = await turn(t, entry);
      assert.ok(status >= 400);
      assert.match((await said(t, entry)) ?? '', says);
      lines.push(text, String(await said(t, entry)));
    }
    const gone = { url, proxy: `http://user:hush-hush@127.0.0.1:${UNREACHABLE}`, ...ca };
    assert.equal((await turn(t, gone)).status, 500);
    assert.match(
      (await said(t, gone)) ?? '',
      /^its proxy cannot be reached \(ECONNREFUSED\); correct host and port in models\.0\.proxy/,
    );
  }
  assert.deepEqual([secure.asked, plain.asked], [[], []]);
  log.error('a password by itself: hush-hush');
  const told = lines.join('\n');
  assert.match(told, /could not be reached/);
  assert.doesNotMatch(told, /hush-hush|dXNlcjpodXNoLWh1c2g/);
});

test('a connection that is not made in time is given up, to a server and through a proxy', async (t) => {
  // Takes connections, and says nothing.
  const silent = createServer((socket) => socket.on('error', () => {}).resume());
  await once(silent.listen(await freePort(), '127.0.0.1'), 'listening');
  t.after(() => silent.close());
  const address = silent.address();
  const at = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const proxy = await startProxy();
  t.after(proxy.close);
  const { transport, close } = createTransport();
  t.after(close);
  const ways: [url: string, connection: ServerConnection][] = [
    [`https://${at}/`, { connect: 200 }],
    ['https://models.test/', { connect: 200, proxy: `http://${at}` }],
    [`https://${at}/`, { connect: 200, proxy: proxy.url }],
  ];
  for (const [url, connection] of ways) {
    const began = performance.now();
    await assert.rejects(transport(url, { method: 'GET', headers: {}, signal: never, connection }));
    assert.ok(performance.now() - began < 9_000, 'sooner than the usual time');
  }
  await until(() => proxy.open === 0);
});

test('what waits for a tunnel ends with the transport, and at once with its signal', async (t) => {
  const silent = createServer((socket) => socket.on('error', () => {}).resume());
  let connections = 0;
  silent.on('connection', (socket) => {
    connections++;
    socket.on('close', () => connections--);
  });
  await once(silent.listen(await freePort(), '127.0.0.1'), 'listening');
  t.after(() => silent.close());
  const address = silent.address();
  const connection = {
    proxy: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    connect: 600_000,
  };
  const { transport, close } = createTransport();
  const leaving = new AbortController();
  const init = { method: 'GET', headers: {}, connection } as const;
  const left = transport('https://models.test/', { ...init, signal: leaving.signal });
  const waiting = transport('https://models.test/', { ...init, signal: never });
  await until(() => connections > 0);
  const reason = new Error('enough');
  leaving.abort(reason);
  await assert.rejects(left, (error) => error === reason);
  const ended = assert.rejects(waiting);
  await close();
  await ended;
  await until(() => connections === 0);
});

test('each connection keeps its own sockets, until nobody has asked for it for a while; what it has begun ends', async (t) => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  let open = 0;
  const origin = await serve(t, async ({ url }, reply) => {
    reply.socket?.once('close', () => open--);
    open++;
    reply.write('a');
    if (url === '/held') await held;
    reply.end('b');
  });
  const agents = new ServerAgents({ keepAliveTimeout: 60_000 }, 1_000, 100);
  t.after(() => agents.close());
  const connection = { connect: 1_000 };
  const { agent } = agents.to(connection);
  assert.equal(agents.to(connection).agent, agent);
  assert.notEqual(agents.to({ connect: 1_000 }).agent, agent, 'another server');
  const get = (path: string, of = agent) => request.call(of, { origin, path, method: 'GET' });
  const [long, short] = await Promise.all([get('/held'), get('/')]);
  await buffer(short.body);
  assert.equal(open, 2);
  await until(() => open === 1);
  const again = agents.to(connection).agent;
  assert.notEqual(again, agent);
  await buffer((await get('/', again)).body);
  release();
  assert.equal(`${await buffer(long.body)}`, 'ab');
  await until(() => open === 0);
});

test('a way lasts for a minute after it was last asked for', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const agents = new ServerAgents({}, 1_000);
  const connection = { connect: 1_000 };
  const { agent } = agents.to(connection);
  for (let n = 0; n < 3; n++) {
    t.mock.timers.tick(59_000);
    assert.equal(agents.to(connection).agent, agent);
  }
  t.mock.timers.tick(60_000);
  assert.notEqual(agents.to(connection).agent, agent);
  await agents.close();
});

test('a wrong `ca` or `proxy` is refused at start, with what to write', () => {
  const entry = { match: '*', backend: 'chat', url: 'https://models.test/v1' };
  const wrong: [object, RegExp][] = [
    [
      { ca: 'ca.pem' },
      /models\.0\.ca must be a file that holds certificates as PEM, which the Node server alone reads/,
    ],
    [{ ca: 5 }, /models\.0\.ca must be a text/],
    [{ proxy: 'proxy:3128' }, /models\.0\.proxy must begin with http:\/\//],
    [
      { proxy: 'https://proxy:3128' },
      /models\.0\.proxy must begin with http:\/\/, as the way to the proxy itself has no TLS/,
    ],
    [{ proxy: 'socks5://proxy:1080' }, /models\.0\.proxy must begin with http:\/\//],
    [{ proxy: 'http://proxy:3128/path' }, /models\.0\.proxy must have no path/],
    [{ proxy: 'http://u:50%@proxy:3128' }, /models\.0\.proxy has a % in its user or password .*%25/],
    [{ proxy: 'no url' }, /models\.0\.proxy must be a URL/],
  ];
  for (const [keys, message] of wrong) assert.throws(() => parseConfig({ models: [{ ...entry, ...keys }] }), message);
  for (const proxy of ['http://proxy', 'http://proxy:3128/', 'http://u:p%25@[::1]:3128'])
    parseConfig({ models: [{ ...entry, proxy }] });
  const broken = authority.replace(/\n.{20}/, '\n');
  const checked = (ca: string) => () => checkCertificates(parseConfig({ models: [{ ...entry, ca }] }).models ?? []);
  assert.doesNotThrow(checked(authority + authority));
  assert.throws(checked(broken), /models\.0\.ca cannot be used: its certificate is not whole, or none/);
  assert.throws(checked(authority + broken), /models\.0\.ca cannot be used: number 2 of its certificates/);
  assert.throws(checked('-----BEGIN CERTIFICATE-----'), /models\.0\.ca cannot be used/);
});

test('a root whose transport connects in one way refuses a configuration that asks for another', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  for (const [keys, at] of [
    [{ ca: authority }, 'ca'],
    [{ proxy: 'http://proxy:3128' }, 'proxy'],
    [{ timeouts: { connect: '5s' } }, 'timeouts\\.connect'],
  ] as const) {
    const config = parseConfig({ models: [{ match: '*', backend: 'chat', url: 'https://models.test/v1', ...keys }] });
    for (const transport of [fetchTransport(fetch), undefined])
      assert.throws(
        () => createHandler({ config, database, ...(transport && { transport }) }),
        new RegExp(`models\\.0\\.${at} is for the Node server alone`),
      );
  }
});

test('/config shows neither the password of a proxy nor certificates', async () => {
  const config = parseConfig({
    models: [
      {
        match: '*',
        backend: 'chat',
        url: 'https://models.test/v1',
        ca: authority,
        proxy: 'http://u:hush-hush@proxy:3128',
      },
    ],
  });
  const shown = await showConfig(config, config.models ?? []).text();
  assert.doesNotMatch(shown, /hush-hush|BEGIN CERT/);
  assert.equal(JSON.parse(shown).models[0].ca, '1 certificates');
});
