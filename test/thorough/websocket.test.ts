import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type Socket as NetSocket } from 'node:net';
import { type TestContext, test } from 'node:test';
import OpenAI from 'openai';
import { WebSocket } from 'ws';
import {
  configureLog,
  type Ingress,
  MemoryBudget,
  parseConfig,
  type Socket,
  type TelemetrySlot,
} from '../../handler/index.ts';
import { serveHttp } from '../../shim/http.ts';
import type { Fetch } from '../../shim/session.ts';
import { openSockets } from '../../shim/websocket.ts';
import { longReply } from '../promises/state-ask.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { hangs, says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { openSocket } from '../support/socket.ts';
import { testTelemetry } from '../support/telemetry.ts';

/** Much that can go wrong here is something that never comes. */
const LIMIT = { timeout: 20_000 };

/** The product on plain HTTP with these limits. */
async function open(t: TestContext, limits: object = {}, telemetry: TelemetrySlot = {}) {
  const model = await startScriptedModel();
  const handler = await testHandler(model, {
    config: parseConfig({ ...testConfigFile(model), limits }),
    telemetry,
  });
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch: handler.fetch, log: () => {} });
  t.after(async () => {
    await server.close();
    await handler.close();
    await model.close();
  });
  const client = new OpenAI({ baseURL: `http://127.0.0.1:${server.port}/v1`, apiKey: 'test' });
  return { model, server, socket: () => openSocket({ client }), client };
}

test('a connection of no use is closed, and one on which a turn is made is not', LIMIT, async (t) => {
  const { model, socket } = await open(t, { connectionIdle: '150ms' });
  const idle = await socket();
  const busy = await socket();
  const slow = model.script(async (turn) => {
    await turn.text('Hel');
    await idle.closed;
    await turn.text('lo');
    await turn.finish();
  });
  const { final } = await busy.create({ model: slow });
  assert.equal(final.status, 'completed');
  assert.deepEqual([await idle.closed, await busy.closed], [1001, 1001]);
});

test(
  'a connection ends at its limit, once its turn has; requests get an error, and so does a client without any',
  LIMIT,
  async (t) => {
    const { model, socket } = await open(t, { connection: '300ms' });
    const busy = await socket();
    const idle = await socket();
    const { script, release } = longReply();
    const slow = model.script(script);
    busy.send({ type: 'response.create', model: slow, input: 'Hi' });
    const limit = ({ type, status, error }: { type: string; status: number; error: { code: string } }) =>
      assert.deepEqual([type, status, error.code], ['error', 400, 'websocket_connection_limit_reached']);
    limit(await idle.next());
    assert.equal(await idle.closed, 1001);
    busy.send({ type: 'response.create', model: slow, input: 'Hi', stream_id: 'late' });
    let event = await busy.next();
    while (!event.error) event = await busy.next();
    limit(event);
    assert.equal(event.stream_id, 'late');
    release();
    while (event.type !== 'response.completed') event = await busy.next();
    limit(await busy.next());
    assert.equal(await busy.closed, 1001);
  },
);

test(
  'draining: idle connections are closed, running turns finish, and waiting requests get an error',
  LIMIT,
  async (t) => {
    const { model, server, socket } = await open(t);
    const [idle, busy] = [await socket(), await socket()];
    const { script, release } = longReply();
    const slow = model.script(script);
    busy.send({ type: 'response.create', model: slow, input: 'Hi' });
    let event = await busy.next();
    const drained = server.drain(60_000);
    assert.equal(await idle.closed, 1001);
    busy.send({ type: 'response.create', model: slow, input: 'Hi', stream_id: 'late' });
    while (!event.error) event = await busy.next();
    assert.deepEqual([event.status, event.error.code], [503, 'server_stopping']);
    release();
    while (event.type !== 'response.completed') event = await busy.next();
    assert.equal(await busy.closed, 1001);
    await drained;
  },
);

test('draining ends when its grace does, and the turn with it', LIMIT, async (t) => {
  const { model, server, socket } = await open(t);
  const { script, begun } = hangs();
  const name = model.script(script);
  const busy = await socket();
  busy.send({ type: 'response.create', model: name, input: 'Hi' });
  await begun;
  await server.drain(50);
  assert.equal(await busy.closed, 1006);
  await model.calls(name)[0]?.closed;
});

test('each message has an id and a line of the log of its own, and both name the connection', LIMIT, async (t) => {
  const lines: string[] = [];
  configureLog('debug', (line) => lines.push(line));
  const told = testTelemetry();
  const { model, client } = await open(t, {}, told.slot);
  const name = model.script(says('Hello'));
  const socket = await openSocket({ client }, { 'x-request-id': 'mine' });
  const entries = () => lines.map((line) => JSON.parse(line));
  const requests = () => entries().filter(({ message }) => message === 'request');
  const responses: string[] = [];
  for (const lane of ['a', 'b', 'a']) {
    const { final } = await socket.create({ model: name, stream_id: lane });
    responses.push(final.id);
  }
  socket.send('{');
  await socket.next();
  socket.close();
  while (requests().length < 5) await new Promise((resolve) => setTimeout(resolve, 5));
  const shared = { door: 'http', path: '/v1/responses', streaming: true };
  const message = { ...shared, method: 'response.create', connection_id: 'mine' };
  assert.partialDeepStrictEqual(requests(), [
    ...responses.map((response_id) => ({ ...message, model: name, response_id, status: 200 })),
    { ...message, model: null, status: 400 },
    { ...shared, method: 'GET', request_id: 'mine', status: 101 },
  ]);
  const connection = requests().pop();
  assert.ok(!('connection_id' in connection));
  const ids = requests().map(({ request_id }) => request_id);
  assert.equal(new Set(ids).size, 5);
  for (const id of ids.slice(0, -1)) assert.match(id, /^req_/);
  const calls = entries().filter((line) => line.message === 'model call');
  assert.deepEqual(
    calls.map(({ request_id }) => request_id),
    ids.slice(0, 3),
  );
  const spans = told.spans().filter(({ attributes }) => attributes['antiphon.request.id'] !== undefined);
  assert.deepEqual(
    spans.map(({ attributes }) => [attributes['antiphon.request.id'], attributes['antiphon.connection.id']]),
    ids.map((id) => [id, id === 'mine' ? undefined : 'mine']),
  );
});

/** A server whose every WebSocket is served in the same way. */
async function serving(t: TestContext, serve: (socket: Socket) => Promise<void>): Promise<number> {
  const fetch = (_: Request, { upgrade }: Pick<Ingress, 'upgrade'>) => upgrade?.(serve, {}) ?? new Response();
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, log: () => {} });
  t.after(server.close);
  return server.port;
}

/** A connection on which the handshake was made, and that does nothing more by itself. */
async function bare(port: number): Promise<NetSocket> {
  const socket = connect(port, '127.0.0.1');
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
  socket.write(`GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}`);
  await once(socket, 'data');
  return socket;
}

test('a client that asks on and on and reads nothing is let go', LIMIT, async (t) => {
  const model = await startScriptedModel();
  t.after(model.close);
  const config = parseConfig({ ...testConfigFile(model), limits: { body: '100KiB' } });
  const handler = await testHandler(model, { config });
  t.after(handler.close);
  const closed = Promise.withResolvers<number>();
  const fetch: Fetch = (request, ingress: Ingress) => {
    const upgrade: Ingress['upgrade'] = (serve, headers) => {
      const telling = (socket: Socket): Socket => ({
        ...socket,
        close(code, reason) {
          closed.resolve(code);
          socket.close(code, reason);
        },
      });
      return ingress.upgrade?.((socket) => serve(telling(socket)), headers) ?? new Response();
    };
    return handler.fetch(request, { ...ingress, upgrade });
  };
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, log: () => {} });
  t.after(server.close);
  const client = new WebSocket(`ws://127.0.0.1:${server.port}/v1/responses`);
  await once(client, 'open');
  client.pause();
  const steer = JSON.stringify({ type: 'response.steer', previous_response_id: 'resp_1', input: 'x'.repeat(60_000) });
  const flood = setInterval(() => client.send(steer), 1);
  t.after(() => clearInterval(flood));
  assert.equal(await closed.promise, 1008);
  clearInterval(flood);
  client.resume();
  assert.equal((await once(client, 'close'))[0], 1008);
});

test('a client that answers no ping is cut, and one that does is not', LIMIT, async (t) => {
  const serve = async (socket: Socket) => {
    const pings = setInterval(() => socket.ping?.(), 10);
    for await (const _ of socket.messages) assert.fail('nothing was sent');
    clearInterval(pings);
  };
  const sockets = openSockets(1024, (_, { upgrade }) => upgrade?.(serve, {}) ?? new Response(), { silence: 250 });
  const port = await freePort();
  const server = createServer().on('upgrade', sockets.upgrade).listen(port, '127.0.0.1');
  t.after(() => {
    sockets.cut();
    server.close();
  });
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${port}/`);
  await once(client, 'open');
  await once((await bare(port)).resume(), 'close');
  assert.equal(client.readyState, WebSocket.OPEN);
});

/** A frame as a client sends it, whose mask changes nothing. */
function frame(first: number, payload: Buffer): Buffer {
  const head = payload.length < 126 ? [first, 0x80 | payload.length] : [first, 0xff, 0, 0, 0, 0];
  const length = Buffer.alloc(payload.length < 126 ? 0 : 4);
  if (length.length > 0) length.writeUInt32BE(payload.length);
  return Buffer.concat([Buffer.from(head), length, Buffer.alloc(4), payload]);
}

test('pings are answered as long as the client reads, and a flood of them takes no memory', LIMIT, async (t) => {
  const serve = async (socket: Socket) => {
    for await (const _ of socket.messages) assert.fail('nothing was sent');
  };
  const sockets = openSockets(1024, (_, { upgrade }) => upgrade?.(serve, {}) ?? new Response());
  const port = await freePort();
  const server = createServer().on('upgrade', sockets.upgrade).listen(port, '127.0.0.1');
  const ours: NetSocket[] = [];
  server.on('connection', (socket) => ours.push(socket));
  t.after(() => {
    sockets.cut();
    server.close();
  });
  await once(server, 'listening');
  const socket = await bare(port);
  t.after(() => socket.destroy());
  socket.write(frame(0x89, Buffer.from('there?')));
  const [pong] = (await once(socket, 'data')) as [Buffer];
  assert.equal(pong.toString('latin1'), '\x8a\x06there?');
  socket.pause();
  const flood = Buffer.concat(Array.from({ length: 1_000 }, () => frame(0x89, Buffer.alloc(125))));
  for (let n = 0; n < 200; n++) if (!socket.write(flood)) await once(socket, 'drain');
  assert.ok((ours[0]?.bytesRead ?? 0) > 20_000_000);
  assert.ok((ours[0]?.writableLength ?? 0) < 1024 * 1024, `${ours[0]?.writableLength} bytes wait`);
});

test(
  'messages that come in pieces and never end take their room, and are refused where there is none',
  LIMIT,
  async (t) => {
    const memory = new MemoryBudget(8 * 1024 * 1024);
    const serve = async (socket: Socket) => {
      for await (const _ of socket.messages) assert.fail('none is whole');
    };
    const sockets = openSockets(33 * 1024 * 1024, (_, { upgrade }) => upgrade?.(serve, {}) ?? new Response(), {
      memory,
    });
    const port = await freePort();
    const server = createServer().on('upgrade', sockets.upgrade).listen(port, '127.0.0.1');
    t.after(() => {
      sockets.cut();
      server.close();
    });
    await once(server, 'listening');
    const clients = Array.from({ length: 6 }, () => new WebSocket(`ws://127.0.0.1:${port}/`).on('error', () => {}));
    await Promise.all(clients.map((client) => once(client, 'open')));
    const codes: number[] = [];
    for (const client of clients) {
      client.on('close', (code) => codes.push(code));
      client.send(Buffer.alloc(1024 * 1024), { fin: false });
    }
    while (codes.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(
      codes.every((code) => code === 1013 || code === 1006),
      `${codes}`,
    );
    assert.ok(memory.taken <= memory.limit / 2);
    for (const client of clients) client.terminate();
    while (memory.taken > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  },
);

test('a client that sends nothing but what is refused is let go', LIMIT, async (t) => {
  const { socket } = await open(t);
  const client = await socket();
  for (let n = 0; n < 300; n++) client.raw.send('{}');
  assert.equal(await client.closed, 1008);
});

test('bytes that are no WebSocket frames end the connection, and nothing else', LIMIT, async (t) => {
  let served = 0;
  const port = await serving(t, async (socket) => {
    for await (const _ of socket.messages) assert.fail('nothing was sent');
    served++;
  });
  for (const bytes of ['\xff\xff\xff\xff\xff\xff', '\x81\x05hello', '']) {
    const socket = await bare(port);
    socket.end(Buffer.from(bytes, 'latin1'));
    await once(socket.resume(), 'close');
  }
  while (served < 3) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('what a handler throws before it upgrades is a 500, and a strange host is 400', LIMIT, async (t) => {
  const fetch: Fetch = () => Promise.reject(new Error('secret'));
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, log: () => {} });
  t.after(server.close);
  for (const [host, status] of [
    ['x', 500],
    ['a b', 400],
  ] as const) {
    const client = new WebSocket(`ws://127.0.0.1:${server.port}/`, { headers: { host } });
    client.on('error', () => {});
    const [, reply] = await once(client, 'unexpected-response');
    assert.equal(reply.statusCode, status);
  }
});
