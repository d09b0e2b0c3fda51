import assert from 'node:assert/strict';
import { Agent, type ClientRequest, get, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { serveHttp } from '../../shim/http.ts';
import type { Running } from '../../shim/running.ts';
import type { Fetch, Log } from '../../shim/session.ts';
import { freePort } from '../support/ports.ts';
import { events } from '../support/shim-fake-exchange.ts';

const lines: string[] = [];
const start = async (t: TestContext, fetch: Fetch): Promise<Running> => {
  const log: Log = (level, message) => void lines.push(`${level}: ${message}`);
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, log });
  t.after(server.close);
  return server;
};

const text = async (reply: AsyncIterable<Buffer>) => (await buffer(reply)).toString();

/** Sends a request and waits for its reply's head. */
function open(client: ClientRequest, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    client.once('response', resolve).once('error', reject).end(body);
  });
}

test('the handler gets node-server’s light Request, and nothing makes a real one of it', async (t) => {
  let symbols: string[] = [];
  const server = await start(t, async (received, door) => {
    const { a } = JSON.parse(await received.text());
    symbols = Object.getOwnPropertySymbols(received).map(String);
    return Response.json({ a, door: door.name, url: received.url });
  });
  const url = `http://127.0.0.1:${server.port}/x`;
  const reply = await open(request(url, { method: 'POST' }), '{"a":1}');
  assert.deepEqual(JSON.parse(await text(reply)), { a: 1, door: 'http', url });
  assert.ok(symbols.includes('Symbol(incomingKey)'), 'light');
  assert.ok(!symbols.includes('Symbol(requestCache)'), 'and never made real');
});

test('a client that leaves aborts the signal, of a reply that waits and of one that streams, and cancels the body', async (t) => {
  const signals: AbortSignal[] = [];
  let cancelled = false;
  const server = await start(t, (received) => {
    signals.push(received.signal);
    if (received.url.endsWith('/wait')) return new Promise<Response>(() => {});
    return events(Array(999).fill('data: 1\n\n'), 5, () => {
      cancelled = true;
    });
  });
  for (const [path, method] of [
    ['wait', 'GET'],
    ['wait', 'POST'],
    ['live', 'GET'],
    ['live', 'POST'],
  ] as const) {
    const client = request(`http://127.0.0.1:${server.port}/${path}`, { method }).on('error', () => {});
    client.end(method === 'POST' ? '{}' : undefined);
    await sleep(30);
    client.destroy();
    const signal = signals.at(-1);
    for (let n = 0; n < 2000 && !signal?.aborted; n++) await sleep(1);
    assert.ok(signal?.aborted, `${method} ${path}`);
    await sleep(5);
    assert.equal(cancelled, path === 'live');
    cancelled = false;
  }
});

test('what the handler throws is a 500 without a word of it; a request line that is none is 400', async (t) => {
  const server = await start(t, (received) => {
    if (received.url.endsWith('/sync')) throw new Error('secret');
    return Promise.reject(new Error('secret'));
  });
  for (const path of ['sync', 'async']) {
    const reply = await open(get(`http://127.0.0.1:${server.port}/${path}`));
    assert.equal(reply.statusCode, 500);
    assert.equal(JSON.parse(await text(reply)).error.message, 'The server had an error while processing your request.');
    assert.match(lines.pop() ?? '', /^error: /);
  }
  const reply = await open(get({ port: server.port, host: '127.0.0.1', path: '/x', headers: { host: 'a/b' } }));
  assert.equal(reply.statusCode, 400);
  assert.equal(JSON.parse(await text(reply)).error.code, 400);
});

test('draining: nothing new, what streams finishes whole, kept-alive connections do not hold it up', {
  timeout: 20_000,
}, async (t) => {
  const server = await start(t, () => events(Array(10).fill('data: 1\n\n'), 20));
  const url = `http://127.0.0.1:${server.port}/`;
  const agent = new Agent({ keepAlive: true });
  const reply = await open(get(url, { agent }));
  const drained = server.drain(60_000);
  await assert.rejects(open(get(url)), /ECONNREFUSED/);
  assert.equal(await text(reply), 'data: 1\n\n'.repeat(10));
  await drained;
  agent.destroy();
});

test('draining ends when its grace does', async (t) => {
  const server = await start(t, () => new Promise<Response>(() => {}));
  const stuck = open(get(`http://127.0.0.1:${server.port}/`));
  await Promise.all([assert.rejects(stuck), sleep(30).then(() => server.drain(50))]);
});

test('a port in use is an Error that names the flag and the port', async (t) => {
  const server = await start(t, () => new Response());
  const again = serveHttp({ host: '127.0.0.1', port: server.port, fetch: () => new Response(), log() {} });
  await assert.rejects(again, { message: `port ${server.port} is in use: choose another with -http-port` });
});
