import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { type NewKey, newKey } from '../../handler/identity/key.ts';
import { configureLog, type Database, parseConfig } from '../../handler/index.ts';
import { fixedLimits } from '../../handler/limits.ts';
import { createKey, revokeKey } from '../../handler/state/keys.ts';
import { serveHttp } from '../../shim/http.ts';
import { testDatabase } from '../support/doors/database.ts';
import { doorAt, testConfigFile } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { openSocket, refusedStatus } from '../support/socket.ts';

/** A product on plain HTTP whose keys are those of its database, and how often that was read. */
async function open(t: TestContext) {
  configureLog('error', () => {});
  const model = await startScriptedModel();
  const whole = await testDatabase();
  const reads = { count: 0 };
  const database: Database = {
    ...whole,
    batch(statements) {
      reads.count++;
      return whole.batch(statements);
    },
  };
  const config = parseConfig({ ...testConfigFile(model), auth: [{ keys: [] }] });
  const handler = await testHandler(model, { config, database });
  const { fetch: answer, memory } = handler;
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch: answer, memory, log: () => {} });
  const door = doorAt('node-http', `http://127.0.0.1:${server.port}`, model, server.close);
  t.after(async () => {
    await door.close();
    await handler.close();
    await whole.close();
  });
  const make = async (rights: object = {}): Promise<NewKey> => {
    const made = await newKey();
    const { id, sha256 } = made;
    await createKey(whole, { id, sha256, tenant: 'acme', expires: Date.now() + 3_600_000, created: 0, ...rights });
    return made;
  };
  const status = async (headers: Record<string, string>, path = '/v1/models') => {
    const reply = await door.fetch(path, { headers });
    await reply.body?.cancel();
    return reply.status;
  };
  return { door, answer, model, database: whole, reads, make, status, port: server.port };
}

/** The first line of the reply to a request as it is written. */
async function raw(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`${['GET /v1/models HTTP/1.1', 'host: 127.0.0.1', 'connection: close', ...lines].join('\r\n')}\r\n\r\n`);
  const reply = await text(socket);
  return reply.split('\r\n', 1)[0] ?? '';
}

for (const [what, end] of [
  ['is revoked', revoke],
  ['expires', expire],
] as const) {
  test(`a key that ${what} while a WebSocket is open: what runs goes on, and the next turn is refused`, async (t) => {
    const { door, model, database, make } = await open(t);
    const { key, id } = await make();
    const socket = await openSocket(door, { authorization: `Bearer ${key}` });
    const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = model.script(async (turn) => {
      begun.resolve();
      await ended.promise;
      await turn.text('Hello');
      await turn.finish();
    });
    socket.send({ type: 'response.create', model: slow, input: 'Hi' });
    await begun.promise;
    await end(t, database, id);
    ended.resolve();
    const events = await socket.events();
    assert.equal(events.at(-1).type, 'response.completed');
    for (const stream_id of [undefined, 'other']) {
      const asked = { type: 'response.create', model: slow, input: 'Hi', ...(stream_id && { stream_id }) };
      socket.send(asked);
      const refused = await socket.next();
      assert.deepEqual([refused.type, refused.error.code], ['error', 'invalid_api_key']);
    }
    assert.equal(model.calls(slow).length, 1);
    assert.equal(await refusedStatus(door, { authorization: `Bearer ${key}` }), 401);
    socket.close();
  });
}

async function revoke(t: TestContext, database: Database, id: string): Promise<void> {
  await revokeKey(database, id, Date.now());
  const now = performance.now.bind(performance);
  t.mock.method(performance, 'now', () => now() + 5_000);
}

async function expire(t: TestContext): Promise<void> {
  const now = Date.now.bind(Date);
  t.mock.method(Date, 'now', () => now() + 3_600_000);
}

test('a key has as many WebSockets as it may, and another of the same process has its own', async (t) => {
  const { door, make } = await open(t);
  const one = { authorization: `Bearer ${(await make({ limits: { sockets: 1 } })).key}` };
  const first = await openSocket(door, one);
  assert.equal(await refusedStatus(door, one), 429);
  const second = await openSocket(door, { authorization: `Bearer ${(await make()).key}` });
  for (const socket of [first, second]) {
    socket.close();
    await socket.closed;
  }
  (await openSocket(door, one)).close();
});

test('a key counts in two headers, and nowhere else', async (t) => {
  const { make, status, door } = await open(t);
  const { key } = await make();
  const other = (await make()).key;
  for (const headers of [
    { authorization: `Bearer ${key}` },
    { authorization: `bearer ${key}` },
    { authorization: `BEARER   ${key}` },
    { 'x-api-key': key },
    { authorization: `Bearer ${key}`, 'x-api-key': key },
    { authorization: 'Bearer sk-for-somebody-else', 'x-api-key': key },
    { authorization: `Bearer ${key}`, 'x-api-key': 'unused' },
  ])
    assert.equal(await status(headers), 200, JSON.stringify(headers));
  for (const headers of [
    {},
    { cookie: `authorization=Bearer ${key}; x-api-key=${key}; key=${key}` },
    { authorization: key },
    { authorization: `Basic ${btoa(`${key}:${key}`)}` },
    { authorization: `Token ${key}` },
    { authorization: `Bearer "${key}"` },
    { authorization: `Bearer ${key} ${key}` },
    { authorization: `Bearer ${key}, Bearer ${key}` },
    { authorization: `Bearer\t${key}` },
    { authorization: `Bearer ${key.toUpperCase()}` },
    { authorization: `Bearer ${encodeURIComponent(key).replaceAll('_', '%5F')}` },
    { authorization: `Bearer ${key}\u00a0` },
    { authorization: `Bearer ${key}\u00e9` },
    { authorization: `Bearer ${key.slice(0, -1)}` },
    { authorization: `Bearer ${key}0` },
    { authorization: `Bearer ${key}`, 'x-api-key': other },
    { 'x-api-key': `${key}, ${key}` },
    { 'x-api-key': `Bearer ${key}` },
    { 'proxy-authorization': `Bearer ${key}`, 'api-key': key, 'openai-api-key': key },
    { 'sec-websocket-protocol': `realtime, openai-insecure-api-key.${key}` },
    { authorization: 'Bearer ', 'x-api-key': '' },
    { 'x-api-key': 'ak_' },
    { 'x-api-key': `ak___proto___${key.slice(-50)}` },
  ] as Record<string, string>[])
    assert.equal(await status(headers), 401, JSON.stringify(headers));
  for (const path of [`/v1/models?key=${key}`, `/v1/models?api_key=${key}&access_token=${key}`, `/v1/models/${key}`])
    assert.equal(await status({}, path), 401, path);
  const inBody = await door.fetch('/v1/responses', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `access_token=${key}`,
  });
  assert.equal(inBody.status, 401);
});

test('a header that comes twice, is very long or is no text is no key', async (t) => {
  const { make, port, answer } = await open(t);
  const { key } = await make();
  const other = (await make()).key;
  assert.match(await raw(port, [`authorization: Bearer ${key}`]), / 200 /);
  assert.match(await raw(port, [`x-api-key: ${key}`, `x-api-key: ${other}`]), / 401 /);
  assert.match(await raw(port, [`x-api-key: ${key}`, 'x-api-key:']), / 401 /);
  // Node takes the first of two: then that one alone counts, here nobody's.
  const [one, two] = [`authorization: Bearer ${key}`, 'authorization: Bearer nobody'];
  assert.match(await raw(port, [two, one]), / 401 /);
  assert.match(await raw(port, [`authorization: Bearer ${'a'.repeat(30_000)}`]), / (401|431) /);
  assert.match(await raw(port, [`authorization: Bearer ak_\u0000${key.slice(3)}`]), / 400 /);
  // Where the runtime has no limit of its own.
  for (const long of [
    `Bearer ${'a '.repeat(500_000)}`,
    `Bearer ${key}${'_a'.repeat(500_000)}`,
    ' '.repeat(1_000_000),
  ]) {
    const headers = { authorization: long, 'x-api-key': `ak_${'a_'.repeat(500_000)}` };
    assert.equal((await answer(new Request('http://127.0.0.1/v1/models', { headers }))).status, 401);
  }
});

test('10,000 made-up keys with right checksums cost bounded reads, and neither who is known nor who is new elsewhere notices', async (t) => {
  const { answer, reads, make } = await open(t);
  const known = await make();
  const ask = async (key: string, peer: string) => {
    const headers = { authorization: `Bearer ${key}` };
    const reply = await answer(new Request('http://127.0.0.1/v1/models', { headers }), { peer });
    await reply.body?.cancel();
    return reply.status;
  };
  assert.equal(await ask(known.key, '192.0.2.1'), 200);
  const statuses = new Map<number, number>();
  const began = performance.now();
  const { count } = reads;
  for (let sent = 0; sent < 10_000; sent += 500) {
    const made = await Promise.all(Array.from({ length: 500 }, newKey));
    for (const status of await Promise.all(made.map(({ key }) => ask(key, '192.0.2.1'))))
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (sent % 1_000 === 0) {
      assert.equal(await ask(known.key, '192.0.2.1'), 200);
      assert.equal(await ask((await make()).key, '198.51.100.7'), 200);
    }
  }
  const seconds = (performance.now() - began) / 1_000;
  assert.deepEqual([...statuses.keys()].sort(), [401, 503]);
  const most = fixedLimits.keyMissesPerNetwork * (1 + seconds) + 10 + seconds; // and those that are somebody's
  assert.ok(reads.count - count <= most, `${reads.count - count} reads in ${seconds} s`);
  t.diagnostic(`${reads.count - count} reads in ${seconds.toFixed(1)} s, ${process.memoryUsage().heapUsed >> 20} MiB`);
});
