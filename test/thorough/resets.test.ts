import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants, createServer, type ServerHttp2Stream } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { guardResets } from '../../shim/resets.ts';
import { serveGrpc } from '../../shim/server.ts';
import { freePort } from '../support/ports.ts';

const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM } = constants;

async function open(t: TestContext, resets: number, answer: (stream: ServerHttp2Stream) => void) {
  const server = createServer();
  let excesses = 0;
  guardResets(server, () => excesses++, { resets, resetsPerSecond: 0 });
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    answer(stream);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  t.after(() => server.close());
  const session = () => {
    const opened = connect(`http://127.0.0.1:${port}`);
    opened.on('error', () => {});
    t.after(() => opened.destroy());
    return opened;
  };
  return { session, excesses: () => excesses };
}

/** Opens a stream and resets it, before or after its answer; resolves when it is closed. */
async function reset(session: ClientHttp2Session, after?: 'answer'): Promise<void> {
  const stream = session.request({ ':method': 'POST' }, { endStream: false });
  stream.on('error', () => {});
  if (after) await once(stream, 'response');
  stream.close(NGHTTP2_CANCEL);
  await once(stream, 'close');
}

test('a connection is closed for the resets before an answer that are one too many, and only that one', async (t) => {
  const { session, excesses } = await open(t, 5, () => {});
  const [one, other] = [session(), session()];
  const goaway = once(one, 'goaway');
  for (let n = 0; n < 5; n++) await Promise.all([reset(one), reset(other)]);
  assert.equal(excesses(), 0);
  await reset(one);
  assert.equal((await goaway)[0], NGHTTP2_ENHANCE_YOUR_CALM);
  assert.equal(excesses(), 1);
  assert.equal(other.destroyed, false);
});

test('resets after an answer has begun, and streams that end by themselves, do not count', async (t) => {
  const { session, excesses } = await open(t, 0, (stream) => stream.respond());
  const one = session();
  for (let n = 0; n < 50; n++) await reset(one, 'answer');
  const ending = await open(t, 0, (stream) => stream.respond({}, { endStream: true }));
  for (let n = 0; n < 50; n++) {
    const stream = ending.session().request().resume();
    await once(stream, 'close');
  }
  assert.deepEqual([excesses(), ending.excesses(), one.destroyed], [0, 0, false]);
});

test('the processor holds a stream while 4,000 others of its connection are reset, more than Node itself admits', async (t) => {
  const limits = { body: 1024, reply: 1024, time: 60_000 };
  const asked = Promise.withResolvers<void>();
  const pending = Promise.withResolvers<Response>();
  const fetch = () => {
    asked.resolve();
    return pending.promise;
  };
  const server = await serveGrpc({ address: `127.0.0.1:${await freePort()}`, fetch, limits, log: () => {} });
  t.after(server.close);
  const session = connect(`http://127.0.0.1:${server.port}`);
  t.after(() => session.destroy());
  const call = () =>
    session.request({
      ':path': '/envoy.service.ext_proc.v3.ExternalProcessor/Process',
      ':method': 'POST',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
  const stays = call();
  stays.write(Buffer.from('000000000412021801', 'hex')); // request_headers { end_of_stream: true }
  await asked.promise;
  for (let wave = 0; wave < 40; wave++) {
    const left = Array.from({ length: 100 }, call);
    await new Promise((resolve) => session.ping(resolve)); // they have arrived
    for (const stream of left) stream.on('error', () => {}).close(NGHTTP2_CANCEL);
    await Promise.all(left.map((stream) => once(stream, 'close')));
  }
  pending.resolve(new Response('whole'));
  const [answer] = await once(stays, 'data');
  assert.match(String(answer), /whole/);
});
