import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { createTransport } from '../../shim/transport.ts';
import { freePort } from '../support/ports.ts';

/** A model server on a real port; `sockets` counts its connections. What every transport promises is in its contract. */
async function model(t: TestContext, answer: (request: IncomingMessage, reply: ServerResponse) => void) {
  const state = { url: '', sockets: 0 };
  const server = createServer(answer);
  server.on('connection', () => state.sockets++);
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

test('a call takes the connection of the one before; calls at a time take one each', async (t) => {
  const server = await model(t, (_, reply) => setTimeout(() => reply.end('a'), 20));
  for (let n = 0; n < 3; n++) {
    await buffer((await post(server.url)).body);
    await sleep(5);
  }
  assert.equal(server.sockets, 1);
  await Promise.all(Array.from({ length: 30 }, async () => buffer((await post(server.url)).body)));
  assert.equal(server.sockets, 30);
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
