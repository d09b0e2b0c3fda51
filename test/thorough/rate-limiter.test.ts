import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import OpenAI from 'openai';
import { newKey } from '../../handler/identity/key.ts';
import { parseConfig } from '../../handler/index.ts';
import { startProduct } from '../../shim/product.ts';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { startRateLimiter } from '../support/rate-limiter.ts';
import { openSocket } from '../support/socket.ts';

const LIMIT = { timeout: 60_000 };

/** A product that tells a rate limit service; two users have keys, and a third key has no user. */
async function open(t: TestContext, rateLimiter: object, address: string) {
  const model = await startScriptedModel();
  let stop = async () => {};
  t.after(async () => {
    await stop();
    await model.close();
  });
  const port = await freePort();
  const folder = newFolder();
  const keys: string[] = [];
  const entries: object[] = [];
  for (const user of ['team-1', 'team-2', undefined]) {
    const { key, id, sha256 } = await newKey();
    keys.push(key);
    entries.push({ id, sha256, tenant: 'acme', ...(user && { user }) });
  }
  const file = join(folder, 'a.yaml');
  const config = {
    listen: { grpc: 'off', http: `127.0.0.1:${port}`, envoy: 'off', admin: 'off' },
    models: [{ match: '*', backend: 'chat', url: model.url }],
    costs: [{ match: '*', name: 'quota', cel: '1000u * output_tokens' }],
    database: `sqlite:${join(folder, 'a.db')}`,
    auth: [{ keys: entries }],
    rateLimiter: { address, domain: 'antiphon', descriptor: { client: 'user' }, ...rateLimiter },
  };
  await writeFile(file, JSON.stringify(config));
  const product = await startProduct({ flags: { config: file }, env: {}, say() {} });
  stop = product.stop;
  const clients = keys.map((apiKey) => new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey, maxRetries: 0 }));
  const client = (n: number) => clients[n] ?? assert.fail();
  const overSocket = async (n: number, name: string, body: object = {}) => {
    const socket = await openSocket({ client: client(n) }, { authorization: `Bearer ${keys[n]}` });
    const { final } = await socket.create({ model: name, ...body });
    return final;
  };
  const inBackground = async (n: number, name: string) => {
    const { id } = await client(n).responses.create({ model: name, input: 'Hi', background: true });
    await until(async () => (await client(n).responses.retrieve(id)).status === 'completed');
  };
  const stopNow = async () => {
    await stop();
    stop = async () => {};
  };
  return { model, client, overSocket, inBackground, stop: stopNow };
}

test(
  'turns over WebSockets and in the background are charged to the rate limit service, and no others',
  LIMIT,
  async (t) => {
    const limiter = await startRateLimiter(1_000_000);
    t.after(() => limiter.close());
    const { model, client, overSocket, inBackground, stop } = await open(t, {}, `127.0.0.1:${limiter.port}`);
    const name = model.script(says('Hello'));
    await client(0).responses.create({ model: name, input: 'Hi' });
    await (await client(0).responses.create({ model: name, input: 'Hi', stream: true })).toReadableStream().cancel();
    await overSocket(0, name);
    await overSocket(0, name, { store: false });
    await inBackground(1, name);
    await overSocket(2, name); // of nobody who is known
    await until(() => limiter.counts.get('client=team-1') === 36 && limiter.counts.get('client=team-2') === 18);
    await overSocket(1, name);
    await stop(); // what is left is told then
    assert.deepEqual([...limiter.counts].sort(), [
      ['client=team-1', 36],
      ['client=team-2', 36],
    ]);
  },
);

test('a cost may be what is charged, of several entries', LIMIT, async (t) => {
  const limiter = await startRateLimiter(1_000_000);
  t.after(() => limiter.close());
  const descriptor = { org: 'tenant', client: 'user' };
  const { model, overSocket } = await open(t, { hits: 'quota', descriptor }, `127.0.0.1:${limiter.port}`);
  await overSocket(0, model.script(says('Hello')));
  await until(() => limiter.counts.get('org=acme,client=team-1') === 7_000);
});

test('while the service is away nobody waits, and it is told once it is back', LIMIT, async (t) => {
  const port = await freePort();
  const { model, overSocket } = await open(t, {}, `127.0.0.1:${port}`);
  const name = model.script(says('Hello'));
  for (let n = 0; n < 3; n++) assert.equal((await overSocket(0, name)).status, 'completed');
  const limiter = await startRateLimiter(1_000_000, port);
  t.after(() => limiter.close());
  await until(() => limiter.counts.get('client=team-1') === 54);
});

test('what is wrong in `rateLimiter` is told with its place', () => {
  const problem = (rateLimiter: object) => {
    try {
      parseConfig({ rateLimiter });
      return '';
    } catch (error) {
      return String(error);
    }
  };
  const good = { address: 'ratelimit:8081', domain: 'antiphon', descriptor: { client: 'user' } };
  assert.equal(problem(good), '');
  assert.match(problem({ ...good, address: 'http://ratelimit:8081' }), /rateLimiter\.address .*HOST:PORT/);
  assert.match(problem({ ...good, descriptor: {} }), /rateLimiter\.descriptor must have an entry/);
  assert.match(problem({ ...good, descriptor: { client: 'name' } }), /descriptor\.client must be one of tenant, user/);
  assert.match(problem({ address: 'a:1', descriptor: { client: 'user' } }), /rateLimiter\.domain/);
});

test('hits that are no tokens and no cost are refused at the start', LIMIT, async (t) => {
  await assert.rejects(open(t, { hits: 'total_token' }, '127.0.0.1:1'), /rateLimiter\.hits.*is no name in `costs`/s);
});
