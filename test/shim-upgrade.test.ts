import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { serveHttp } from '../shim/http.ts';
import { serveExchange } from '../shim/session.ts';
import { freePort } from './support/ports.ts';
import { FakeExchange, head, options } from './support/shim-fake-exchange.ts';

const refuse = async (request: Request) =>
  new Response(`${request.method} ${request.headers.get('upgrade')} ${await request.text()}`, { status: 426 });

for (const mode of [4, 2]) {
  test(`a wish to upgrade is answered on its headers, since its body never ends (mode ${mode})`, async () => {
    const exchange = new FakeExchange().push(head('GET', { mode, end: false, headers: { upgrade: 'websocket' } }));
    await serveExchange(exchange, refuse, options());
    const { status, body } = exchange.whole;
    assert.deepEqual([status, body], [426, 'GET websocket ']);
    assert.equal(exchange.sent.length, 1, 'it is the first answer, and the only one');
  });
}

test('a reply cannot upgrade', async () => {
  const exchange = new FakeExchange().push(head('GET', { headers: { upgrade: 'websocket' } }));
  await serveExchange(exchange, () => new Response('', { status: 426, headers: { upgrade: 'h2c' } }), options());
  assert.ok(!exchange.whole.headers.some((line) => line.startsWith('upgrade')));
});

test('over plain HTTP a wish to upgrade is a request as any other, with its body, and so is the next', async (t) => {
  const server = await serveHttp({
    host: '127.0.0.1',
    port: await freePort(),
    fetch: refuse,
    message: 1024,
    log: () => {},
  });
  t.after(server.close);
  const socket = connect(server.port, '127.0.0.1');
  t.after(() => socket.destroy());
  let got = '';
  const next = async (request: string, reply: RegExp) => {
    socket.write(request);
    while (!reply.test(got))
      got += await new Promise<string>((resolve) => socket.once('data', (data) => resolve(`${data}`)));
  };
  const wish = 'HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade:';
  await next(`GET / ${wish} websocket\r\n\r\n`, /^HTTP\/1\.1 426 [\s\S]*GET websocket $/);
  // Java's own client sends this with every request.
  await next(`POST / ${wish} h2c\r\nContent-Length: 2\r\n\r\nHi`, /POST h2c Hi$/);
  await next('GET / HTTP/1.1\r\nHost: x\r\n\r\n', /GET null $/);
});
