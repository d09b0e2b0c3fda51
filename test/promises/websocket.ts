import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { ResponsesWS } from 'openai/resources/responses/ws';
import { WebSocket } from 'ws';
import { type Door, testOrigin } from '../support/doors/door.ts';
import { callsFunctions, says } from '../support/model/scripted.ts';
import { NEEDS_SOCKET, openSocket, withSocket } from '../support/socket.ts';
import { outline } from '../support/sse.ts';
import { create, refuses, stream } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';
import { modelInput, stored } from './state-ask.ts';

promise(
  'websocket.create',
  { says: 'a response over a WebSocket has the events that it has over HTTP', source: 'OpenAI: WebSocket mode' },
  (door) =>
    withSocket(door, async (socket) => {
      const script = callsFunctions({ name: 'weather', args: '{"city":"Rome"}' });
      const body = { tools: [{ type: 'function', name: 'weather', parameters: {} }], metadata: { a: 'b' } };
      const overHttp = await stream(door, { model: door.model.script(script), ...body });
      for (const stream of [undefined, true, false]) {
        const overSocket = await socket.create({ model: door.model.script(script), ...body, stream });
        assert.deepEqual(outline(overSocket.events), outline(overHttp.events));
        assert.deepEqual(overSocket.final.metadata, { a: 'b' });
      }
      const stream_options = { include_obfuscation: true };
      const padded = await socket.create({ model: door.model.script(says('Hello')), stream_options });
      assert.match(JSON.stringify(padded.events), /"obfuscation":"/);
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.client',
  { says: 'openai: ResponsesWS creates, chains, and hears of errors', source: 'openai 7.57.0' },
  async (door) => {
    const model = door.model.script(says('one'), says('two'));
    const socket = new ResponsesWS(door.client);
    const errors: unknown[] = [];
    let previous_response_id: string | null = null;
    for (const input of ['A', 'B']) {
      socket.send({ type: 'response.create', model, input, store: false, previous_response_id });
      for await (const event of socket) {
        if (event.type !== 'message' || event.message.type !== 'response.completed') continue;
        previous_response_id = event.message.response.id;
        break;
      }
    }
    socket.on('error', ({ error }) => errors.push(error));
    socket.send({ type: 'response.create', model, input: 'C', previous_response_id: 'resp_unknown' });
    await socket.emitted('error');
    socket.close();
    await socket.emitted('close');
    assert.equal(errors.length, 1);
    assert.match(JSON.stringify(errors), /"type":"error","status":400,.*"code":"previous_response_not_found"/);
    assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B']);
  },
  NEEDS_SOCKET,
);

promise(
  'websocket.stored',
  { says: 'a stored response goes on over another connection, and over HTTP', source: 'OpenAI: WebSocket mode' },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('one'), says('two'), says('three'));
      const first = await socket.create({ model, input: 'A' });
      const second = await create(door, { model, input: 'B', previous_response_id: first.final.id });
      assert.deepEqual((await stored(door, first.final.id)).output, first.final.output);
      await withSocket(door, async (other) => {
        await other.create({ model, input: 'C', previous_response_id: second.id });
      });
      assert.deepEqual(modelInput(door, model), ['user: A', 'assistant: one', 'user: B', 'assistant: two', 'user: C']);
    }),
  { ...NEEDS_SOCKET, ...NEEDS_HEADERS },
);

promise(
  'websocket.request-id',
  { says: 'the handshake is answered with a request id', source: 'docs/configuration.md' },
  async (door) => {
    const raw = new WebSocket(`${door.client.baseURL.replace('http', 'ws')}/responses`, {
      headers: { 'x-request-id': 'mine' },
    });
    const [reply] = await once(raw, 'upgrade');
    raw.terminate();
    assert.equal(reply.headers['x-request-id'], 'mine');
  },
  { ...NEEDS_SOCKET, deno: 'Deno makes the reply to the handshake by itself' },
);

promise(
  'websocket.origin',
  { says: 'pages of strange origins cannot open a WebSocket: 403', source: 'RFC 6455, 10.2' },
  async (door) => {
    const { host } = new URL(door.client.baseURL);
    for (const origin of [testOrigin, `http://${host}`, `https://${host}`]) {
      (await openSocket(door, { origin })).raw.terminate();
    }
    for (const origin of ['https://evil.example', 'null', `http://${host}.evil.example`, 'http://127.0.0.1:1']) {
      const reply = await wish(door, '/v1/responses', { ...HANDSHAKE, origin });
      await refuses(reply, { status: 403, code: 'origin_not_allowed' });
    }
  },
  NEEDS_SOCKET,
);

promise(
  'websocket.unserved',
  {
    says: 'a wish for a WebSocket that cannot be served is 426 and says why: the client can go on over HTTP, or ask for version 13',
    source: 'docs/websockets.md',
  },
  async (door) => {
    for (const upgrade of ['websocket', 'WebSocket']) {
      const reply = await wish(door, '/v1/responses', { upgrade });
      assert.equal(reply.headers.get('x-should-retry'), 'false');
      assert.equal(reply.headers.get('upgrade'), null);
      assert.ok(reply.headers.get('x-request-id'));
      await refuses(reply, { status: 426, code: 'websocket_not_supported', message: /HTTP/ });
    }
    const older = await wish(door, '/v1/responses', { ...HANDSHAKE, 'sec-websocket-version': '8' });
    assert.equal(older.headers.get('sec-websocket-version'), '13');
    await refuses(older, { status: 426, code: 'websocket_not_supported', message: /version 13/ });
    await create(door, { model: door.model.script(says('over HTTP')) });
  },
  {
    ...NEEDS_HEADERS,
    workerd: 'workerd opens whatever the worker answers with a WebSocket',
    deno: 'Deno looks at the handshake by itself',
  },
);

promise(
  'websocket.elsewhere',
  {
    says: 'a WebSocket at an unknown path is 404, and a handshake that a proxy took its upgrade from 426',
    source: 'docs/websockets.md',
  },
  async (door) => {
    await refuses(await wish(door, '/v1/realtime', HANDSHAKE), { status: 404, code: null });
    const { upgrade: _, ...left } = HANDSHAKE;
    const reply = await wish(door, '/v1/responses', { ...left, connection: 'close' });
    await refuses(reply, { status: 426, code: 'websocket_not_supported' });
  },
  NEEDS_HEADERS,
);

/** The headers of a handshake. */
export const HANDSHAKE = {
  upgrade: 'websocket',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
};

/** Asks for a WebSocket with headers that no `fetch` sends; in process there is only `fetch`. */
export function wish(door: Door, path: string, headers: Record<string, string>): Promise<Response> {
  if (door.name === 'in-process') return door.fetch(path, { headers });
  return new Promise((resolve, reject) => {
    const client = request(new URL(path, door.client.baseURL), {
      agent: false,
      headers: { connection: 'Upgrade', ...headers },
    });
    client.once('error', reject).once('upgrade', () => reject(new Error('it was upgraded')));
    client.once('response', (reply) => {
      const headerList = Object.entries(reply.headers).map(([name, value]): [string, string] => [name, String(value)]);
      text(reply).then(
        (body) => resolve(new Response(body, { status: reply.statusCode ?? 0, headers: headerList })),
        reject,
      );
    });
    client.end();
  });
}
