import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { ApiError, createHandler, type Identify, type Ingress, parseConfig } from '../handler/index.ts';
import { serveHttp } from '../shim/http.ts';
import { testDatabase } from './support/doors/database.ts';
import { freePort } from './support/ports.ts';
import { openSocket } from './support/socket.ts';

async function open(identify: Identify) {
  return createHandler({ config: parseConfig({}), database: await testDatabase(), identify });
}

const path = '/v1/responses';
const create = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"model":"demo","input":"Hi"}',
};

test('who calls may be told later, over HTTP and over WebSockets, by the request and the way in', async (t) => {
  const asked: [string, Ingress['peer']][] = [];
  const { fetch: answer } = await open(async ({ url }, { peer }) => {
    await new Promise(setImmediate);
    asked.push([new URL(url).pathname, peer]);
    return { id: 'somebody' };
  });
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch: answer });
  t.after(server.close);
  const baseURL = `http://127.0.0.1:${server.port}/v1`;
  assert.equal((await fetch(`${baseURL}/responses`, create)).status, 200);
  const socket = await openSocket({ client: new OpenAI({ baseURL, apiKey: 'unused' }) });
  assert.equal((await socket.create({ model: 'demo' })).final.status, 'completed');
  socket.close();
  assert.deepEqual(asked, Array(3).fill([path, '127.0.0.1'])); // HTTP, the handshake, and the turn on it
});

test('what cannot be identified is refused with the error that says so, and a fault is a 500', async () => {
  const refusal = new ApiError('not_found', 'There is nothing here for you.');
  for (const [thrown, status] of [
    [refusal, 404],
    [new Error('no key server'), 500],
  ] as const) {
    const { fetch } = await open(() => Promise.reject(thrown));
    const reply = await fetch(new Request(`http://x${path}`, create));
    assert.equal(reply.status, status);
    assert.doesNotMatch(await reply.text(), /key server/);
  }
});
