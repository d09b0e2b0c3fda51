import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Door } from '../support/doors/door.ts';
import { failsMidway, hangs, replies, type Script, says } from '../support/model/scripted.ts';
import { NEEDS_SOCKET, openSocket, streamOf, type TestSocket, withSocket } from '../support/socket.ts';
import { checkStream } from '../support/sse.ts';
import { callOf, endsOnLeaving } from './ask.ts';
import { NEEDS_HEADERS, promise, type Skips } from './promise.ts';
import { settled } from './state-ask.ts';

/** Begins to speak, and breaks off. */
const cut: Script = async (turn) => {
  await turn.text('Hel');
  turn.end();
};

/** Holds the next event to be an error that no response has come of; the connection goes on. */
async function refused(socket: TestSocket, expected: { status: number; code?: string | null; param?: string | null }) {
  const { type, status, error, ...rest } = await socket.next();
  assert.equal(type, 'error');
  const { code = null, param = null } = expected;
  assert.deepEqual([status, error.code, error.param], [expected.status, code, param], JSON.stringify(error));
  assert.deepEqual(Object.keys(error).sort(), ['code', 'headers', 'message', 'param', 'type']);
  assert.match(error.headers['x-should-retry'] ?? 'none', /true|false|none/);
  return { ...rest, error };
}

promise(
  'websocket.errors',
  {
    says: 'what is refused is an error event with its status, and the connection goes on',
    source: 'openai 7.57.0: ResponseWsError',
  },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('Hello'));
      socket.send('{"type": "response.create", ');
      await refused(socket, { status: 400, code: 'invalid_json' });
      socket.send('[]');
      await refused(socket, { status: 422, code: 'invalid_type' });
      socket.send(new TextEncoder().encode('{}'));
      await refused(socket, { status: 400 });
      for (const type of ['response.cancel', 'session.update', 1, undefined]) {
        socket.send({ type, model, input: 'Hi' });
        await refused(socket, { status: 422, code: 'invalid_value', param: 'type' });
      }
      socket.send({ type: 'response.create', model, input: 'Hi', temperature: 'hot' });
      await refused(socket, { status: 422, code: 'invalid_type', param: 'temperature' });
      socket.send({ type: 'response.create', model: 'nobody-knows', input: 'Hi' });
      await refused(socket, { status: 404, code: 'model_not_found', param: 'model' });
      socket.send({ type: 'response.create', model, input: 'Hi', background: true });
      await refused(socket, { status: 422, code: 'unsupported_parameter', param: 'background' });
      await socket.create({ model });
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.error-style',
  { says: "the handshake's headers decide whether refusals have OpenAI's statuses", source: 'docs/errors.md' },
  async (door) => {
    for (const [headers, status] of [
      [{ 'x-stainless-lang': 'js' }, 400],
      [{}, 422],
    ] as const) {
      const socket = await openSocket(door, headers);
      socket.send('[]');
      await refused(socket, { status, code: 'invalid_type' });
      socket.send({ type: 'response.create', model: 'nobody-knows', input: 'Hi' });
      await refused(socket, { status: status === 400 ? 400 : 404, code: 'model_not_found', param: 'model' });
      socket.close();
    }
  },
  NEEDS_SOCKET,
);

promise(
  'websocket.too-large',
  {
    says: 'a message over the limit is an error event, one far over it ends the connection with 1009',
    source: 'docs/configuration.md',
  },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('Hello'));
      socket.send({ type: 'response.create', model, input: 'a'.repeat(32 * 1024 * 1024) });
      await refused(socket, { status: 413, code: 'request_too_large' });
      await socket.create({ model });
      socket.send('a'.repeat(34 * 1024 * 1024));
      assert.equal(await socket.closed, 1009);
    }),
  { ...NEEDS_SOCKET, workerd: "wrangler's local proxy has limits of its own", deno: 'Deno takes 64 MiB' },
);

promise(
  'websocket.failed',
  {
    says: 'a turn that fails ends in error and response.failed, one that is refused is an error, and the connection goes on',
    source: 'docs/errors.md',
  },
  (door) =>
    withSocket(door, async (socket) => {
      for (const script of [failsMidway({ code: 429 }), cut]) {
        const { events, final } = await socket.create({ model: door.model.script(script) });
        assert.deepEqual(
          events.slice(-2).map(({ type }) => type),
          ['error', 'response.failed'],
        );
        assert.equal(final.status, 'failed');
      }
      const limited = door.model.script(replies(429, {}, { 'retry-after': '7' }));
      socket.send({ type: 'response.create', model: limited, input: 'Hi' });
      await refused(socket, { status: 429, code: 'rate_limit_exceeded' });
      await socket.create({ model: door.model.script(says('Hello')) });
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.steer',
  {
    says: 'response.steer gets its input back as response.steer.failed: steering_not_supported',
    source: 'openai 7.57.0: ResponseSteerFailedEvent',
  },
  (door) =>
    withSocket(door, async (socket) => {
      const { script, begun } = hangs();
      const model = door.model.script(script);
      socket.send({ type: 'response.create', model, input: 'Hi' });
      await begun;
      const { response } = await socket.next();
      const input = [{ role: 'user', content: 'Stop.' }];
      socket.send({ type: 'response.steer', previous_response_id: response.id, input });
      let event = await socket.next();
      while (event.type !== 'response.steer.failed') event = await socket.next();
      const { error, steer } = event;
      assert.deepEqual([error.code, error.type], ['steering_not_supported', 'invalid_request_error']);
      assert.deepEqual(steer, { previous_response_id: response.id, input });
      assert.equal(socket.raw.readyState, WebSocket.OPEN);
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.lanes',
  {
    says: 'requests of one stream_id are served one after another, of several beside each other, each event with its own',
    source: 'OpenAI: WebSocket mode',
  },
  (door) =>
    withSocket(door, async (socket) => {
      const release = Promise.withResolvers<void>();
      const slow = door.model.script(async (turn) => {
        await turn.text('slow');
        await release.promise;
        await turn.finish();
      });
      const fast = door.model.script(says('fast'));
      const order: string[] = [];
      const events: Record<string, object[]> = {};
      const ask = (stream_id: string, model: string) =>
        socket.send({ type: 'response.create', model, input: 'Hi', stream_id });
      ask('a', slow);
      ask('a', fast);
      ask('b', fast);
      while (order.length < 3) {
        const event = await socket.next();
        const { stream_id, type, response } = event;
        assert.ok(stream_id === 'a' || stream_id === 'b');
        const key = `${stream_id}${order.filter((line) => line.startsWith(stream_id)).length}`;
        events[key] = [...(events[key] ?? []), event];
        if (type !== 'response.completed') continue;
        order.push(`${stream_id} ${response.output[0].content[0].text}`);
        if (stream_id === 'b') release.resolve();
      }
      assert.deepEqual(order, ['b fast', 'a slow', 'a fast']);
      for (const each of Object.values(events)) checkStream(streamOf(each));
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.lane-limits',
  { says: 'a connection has 32 named lanes, and a stream_id must be valid', source: 'OpenAI: WebSocket mode' },
  (door) =>
    withSocket(door, async (socket) => {
      const model = door.model.script(says('Hello'));
      for (const stream_id of ['', 'a b', 'a'.repeat(257), 7]) {
        socket.send({ type: 'response.create', model, input: 'Hi', stream_id });
        await refused(socket, { status: 400, code: 'invalid_stream_id', param: 'stream_id' });
      }
      const warm = { model, generate: false, store: false };
      for (let lane = 0; lane < 32; lane++) await socket.create({ ...warm, stream_id: `lane-${lane}` });
      socket.send({ type: 'response.create', ...warm, stream_id: 'one-more' });
      await refused(socket, { status: 400, code: 'websocket_stream_limit_reached', param: 'stream_id' });
      await socket.create({ ...warm, stream_id: 'lane-0' });
      await socket.create(warm);
    }),
  NEEDS_SOCKET,
);

promise(
  'websocket.at-once',
  {
    says: 'a connection makes 16 responses at a time; others wait, and too many are refused',
    source: 'OpenAI: WebSocket mode',
  },
  (door) =>
    withSocket(door, async (socket) => {
      const { script } = hangs();
      const model = door.model.script(script);
      const ask = (stream_id: string) => socket.send({ type: 'response.create', model, input: 'Hi', stream_id });
      for (let lane = 0; lane < 16; lane++) ask(`lane-${lane}`);
      const warm = { type: 'response.create', model, generate: false, store: false, stream_id: 'late' };
      for (let count = 0; count < 65; count++) socket.send(warm);
      const seen: string[] = [];
      let event = await socket.next();
      for (; !event.error; event = await socket.next()) seen.push(event.stream_id);
      assert.ok(!seen.includes('late'), 'it waits');
      assert.deepEqual([event.status, event.error.code], [429, 'too_many_requests_waiting']);
      while (event.type !== 'response.failed') event = await socket.next();
      while (event.type !== 'response.completed') event = await socket.next();
      assert.equal(event.stream_id, 'late');
    }),
  NEEDS_SOCKET,
);

/** Behind wrangler's own proxy a worker does hear that a WebSocket has closed. */
function leaves(door: Door, leave: (socket: TestSocket) => void): Promise<void> {
  return endsOnLeaving(door, async () => {
    const { script, begun } = hangs();
    const model = door.model.script(script);
    const socket = await openSocket(door);
    socket.send({ type: 'response.create', model, input: 'Hi' });
    await begun;
    return { leave: () => leave(socket), closed: () => callOf(door, model).closed };
  });
}

promise(
  'websocket.leave',
  { says: 'a client that closes the connection ends its model calls', source: 'docs/websockets.md' },
  (door) => leaves(door, (socket) => socket.close()),
  NEEDS_SOCKET,
);

promise(
  'websocket.leave-broken',
  { says: 'a connection that breaks ends its model calls', source: 'docs/websockets.md' },
  (door) => leaves(door, (socket) => socket.raw.terminate()),
  NEEDS_SOCKET,
);

promise(
  'websocket.leave-stored',
  {
    says: 'what a client that leaves had begun is kept as cancelled',
    source: 'docs/edge-cases.md: 29 (hermes-agent#15392)',
  },
  async (door) => {
    const { script } = hangs();
    const socket = await openSocket(door);
    socket.send({ type: 'response.create', model: door.model.script(script), input: 'Hi' });
    let event = await socket.next();
    const { id } = event.response;
    while (event.type !== 'response.output_text.delta') event = await socket.next();
    socket.raw.terminate();
    const { status, output } = await settled(door, id);
    assert.deepEqual([status, output.length], ['cancelled', 1]);
  },
  { ...NEEDS_SOCKET, ...NEEDS_HEADERS },
);

const NEEDS_PINGS: Skips = {
  ...NEEDS_SOCKET,
  workerd: 'a worker cannot send a ping',
  deno: 'the web-standard WebSocket cannot send a ping',
};

promise(
  'websocket.keep-alive',
  { says: 'a silent connection is pinged', source: 'docs/configuration.md' },
  (door) => withSocket(door, async ({ raw }) => void (await Promise.all([once(raw, 'ping'), once(raw, 'ping')]))),
  NEEDS_PINGS,
);
