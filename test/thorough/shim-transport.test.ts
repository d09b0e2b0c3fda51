import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { createTransport } from '../../shim/transport.ts';
import { freePort, UNREACHABLE } from '../support/ports.ts';

/** A model server on a real port; `closed` counts the sockets that the other end has closed. */
async function model(t: TestContext, answer: (request: IncomingMessage, reply: ServerResponse) => void) {
  const state = { url: '', sockets: 0, closed: 0 };
  const server = createServer(answer);
  server.on('connection', (socket) => {
    state.sockets++;
    socket.on('close', () => state.closed++);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  state.url = `http://127.0.0.1:${port}/v1/x?a=b`;
  t.after(() => server.close().closeAllConnections());
  return state;
}

const { transport, close } = createTransport();
after(close);
const never = new AbortController().signal;
const post = (url: string, signal = never) => transport(url, { method: 'POST', headers: {}, body: '{}', signal });

/** Whether the condition comes true before patience ends. */
async function until(condition: () => boolean): Promise<boolean> {
  for (let n = 0; n < 2000 && !condition(); n++) await sleep(1);
  return condition();
}

test('method, path, headers and body arrive; status, headers and body come back', async (t) => {
  const server = await model(t, async (request, reply) => {
    const body = `${await buffer(request)}`;
    reply.writeHead(429, { 'retry-after': '7', 'x-twice': ['1', '2'] });
    reply.end(`${request.method} ${request.url} ${request.headers['x-a']} ${body}`);
  });
  const reply = await transport(server.url, { method: 'POST', headers: { 'x-a': 'b' }, body: '{}', signal: never });
  assert.deepEqual([reply.status, reply.header('retry-after'), reply.header('no')], [429, '7', null]);
  assert.equal(reply.header('x-twice'), '1, 2');
  assert.equal(`${await buffer(reply.body)}`, 'POST /v1/x?a=b b {}');
  await sleep(5);
  const bare = await transport(server.url, { method: 'GET', headers: {}, signal: never });
  assert.equal(`${await buffer(bare.body)}`, 'GET /v1/x?a=b undefined ');
  assert.equal(server.sockets, 1, 'one connection, kept alive');
});

test('chunks arrive as they are sent, and calls do not queue behind each other', async (t) => {
  const arrived = new EventEmitter();
  const server = await model(t, async ({ url = '' }, reply) => {
    for (const part of 'abc') {
      reply.write(part);
      await once(arrived, url);
    }
    reply.end();
  });
  await Promise.all(
    Array.from({ length: 30 }, async (_, n) => {
      const chunks = [];
      for await (const chunk of (await post(`${server.url}&n=${n}`)).body) {
        chunks.push(Buffer.from(chunk).toString());
        arrived.emit(`/v1/x?a=b&n=${n}`);
      }
      assert.deepEqual(chunks, ['a', 'b', 'c']);
    }),
  );
  assert.equal(server.sockets, 30);
});

test('an abort before the headers and in the middle closes the socket and throws the reason', async (t) => {
  const server = await model(t, (request, reply) => {
    if (request.headers['x-mute'] === undefined) reply.write('a');
  });
  const mute = new AbortController();
  const waiting = transport(server.url, {
    method: 'POST',
    headers: { 'x-mute': '1' },
    body: '{}',
    signal: mute.signal,
  });
  await until(() => server.sockets === 1);
  await sleep(10);
  const reason = new Error('enough');
  mute.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  assert.ok(await until(() => server.closed === 1));

  const middle = new AbortController();
  const { body } = await post(server.url, middle.signal);
  const chunks = body[Symbol.asyncIterator]();
  await chunks.next();
  const next = chunks.next();
  middle.abort(reason);
  await assert.rejects(next);
  assert.ok(await until(() => server.closed === 2));
});

test('a body that is left, before its first chunk or after, closes the socket', async (t) => {
  const server = await model(t, (_, reply) => void reply.write('a'));
  const early = await post(server.url);
  await early.body[Symbol.asyncIterator]().return?.();
  assert.ok(await until(() => server.closed === 1));
  const later = await post(server.url);
  for await (const _ of later.body) break;
  assert.ok(await until(() => server.closed === 2));
});

test('a body that is left just before its end keeps the connection for the next call', async (t) => {
  const server = await model(t, async (_, reply) => {
    reply.write('data: [DONE]\n\n');
    setTimeout(() => reply.end(), 2);
  });
  for (let n = 0; n < 10; n++) {
    for await (const _ of (await post(server.url)).body) break;
    await sleep(20);
  }
  assert.equal(server.sockets, 1);
});

test('an abort while the connection is being made rejects at once', async (t) => {
  const port = await freePort();
  // A server that never accepts: once its backlog is full, further connections are never made.
  const code = `const { workerData: port, parentPort } = require('node:worker_threads');
    require('node:net').createServer().listen({ port, host: '127.0.0.1', backlog: 1 }, () => {
      parentPort.postMessage('listening');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const worker = new Worker(code, { eval: true, workerData: port });
  t.after(() => worker.terminate());
  await once(worker, 'message');
  const gone = new AbortController();
  const calls = Promise.allSettled(Array.from({ length: 6 }, () => post(`http://127.0.0.1:${port}/`, gone.signal)));
  await sleep(30);
  const reason = new Error('enough');
  gone.abort(reason);
  for (const call of await calls) assert.equal(call.status === 'rejected' && call.reason, reason);
});

test('a server that cuts the body, and a port where nobody listens, are errors', async (t) => {
  const server = await model(t, (_, reply) => {
    reply.write('a');
    setTimeout(() => reply.destroy(), 10);
  });
  await assert.rejects(buffer((await post(server.url)).body));
  await assert.rejects(post(`http://127.0.0.1:${UNREACHABLE}/`), /ECONNREFUSED/);
});
