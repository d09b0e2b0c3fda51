import assert from 'node:assert/strict';
import { type EventEmitter, once } from 'node:events';
import { connect } from 'node:http2';
import { Duplex, type Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { callExchange } from '../../shim/exchange.ts';
import type { ProcessingRequest, ProcessingResponse } from '../../shim/messages.ts';
import { serveGrpc } from '../../shim/server.ts';
import type { Fetch } from '../../shim/session.ts';
import { collect } from '../support/collect.ts';
import { freePort } from '../support/ports.ts';
import { chunk, events, head, options } from '../support/shim-fake-exchange.ts';

const files = ['ext_proc', 'health'].map((name) =>
  fileURLToPath(new URL(`../../proto/${name}.proto`, import.meta.url)),
);
// grpc-js types what it loads as a tree of unions.
const loaded = loadPackageDefinition(loadSync(files, { keepCase: true, defaults: true, oneofs: true })) as unknown as {
  envoy: { service: { ext_proc: { v3: { ExternalProcessor: ServiceClientConstructor } } } };
  grpc: { health: { v1: { Health: ServiceClientConstructor } } };
};

async function start(t: TestContext, fetch: Fetch) {
  const address = `127.0.0.1:${await freePort()}`;
  const server = await serveGrpc({ address, fetch, ...options({ reply: 1 << 20, time: 10_000 }) });
  const processor = new loaded.envoy.service.ext_proc.v3.ExternalProcessor(address, credentials.createInsecure());
  const health = new loaded.grpc.health.v1.Health(address, credentials.createInsecure());
  t.after(() => {
    processor.close();
    health.close();
    return server.close();
  });
  const open = (...messages: ProcessingRequest[]): ClientDuplexStream<ProcessingRequest, ProcessingResponse> => {
    const call = processor.Process?.();
    for (const message of messages) call.write(message);
    return call;
  };
  const check = (service = '') =>
    new Promise<number>((resolve, reject) => {
      health.Check?.({ service }, (error: Error | null, reply: { status: number }) =>
        error ? reject(error) : resolve(reply.status),
      );
    });
  return { address, server, processor, open, check, health };
}

/** All messages until the call ends well; like Envoy, it closes its side once the answer is whole. */
async function all(call: ClientDuplexStream<ProcessingRequest, ProcessingResponse>) {
  const messages: ProcessingResponse[] = [];
  call.on('data', (message: ProcessingResponse) => {
    messages.push(message);
    const part = message.streamed_immediate_response;
    if (!part || ('body_response' in part && part.body_response?.end_of_stream)) call.end();
  });
  await new Promise((resolve, reject) => call.on('end', resolve).on('error', reject));
  return messages;
}

test('a call ends well when the peer closes its side after the answer', async (t) => {
  const { open } = await start(t, async (request) => new Response(await request.text()));
  const [message] = await all(open(head('POST'), chunk('abc'), chunk('', true)));
  assert.equal(`${message?.immediate_response?.body}`, 'abc');
});

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('a place in a trace is taken from the metadata of a call as the standard has it, and whatever else is there is none', async (t) => {
  const { processor } = await start(t, async (_, { trace }) => Response.json(trace ?? null));
  const told = async (...pairs: [name: string, value: string | Buffer][]) => {
    const metadata = new Metadata();
    for (const [name, value] of pairs) metadata.add(name, value);
    const call = processor.Process?.(metadata);
    call.write(head('GET'));
    const [message] = await all(call);
    return JSON.parse(`${message?.immediate_response?.body}`);
  };
  const placed = { traceparent: TRACEPARENT };
  assert.deepEqual(await told(['traceparent', TRACEPARENT], ['tracestate', 'a=b'], ['tracestate', 'c=d']), {
    ...placed,
    tracestate: 'a=b, c=d',
  });
  for (const wrong of [
    [TRACEPARENT, TRACEPARENT],
    [TRACEPARENT.toUpperCase()],
    [`ff${TRACEPARENT.slice(2)}`],
    [`00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    [`${TRACEPARENT}${'-x'.repeat(3_000)}`],
    ['x'.repeat(7_000)],
    [''],
  ])
    assert.equal(await told(...wrong.map((value): [string, string] => ['traceparent', value])), null, wrong[0]);
  assert.equal(await told(['traceparent-bin', Buffer.from(TRACEPARENT)]), null);
  assert.deepEqual(await told(['traceparent', TRACEPARENT], ['tracestate', 'a=b,'.repeat(1_000)]), placed);
  const states = Array.from({ length: 100 }, (_, n): [string, string] => ['tracestate', `k${n}=${'v'.repeat(30)}`]);
  assert.deepEqual(await told(['traceparent', TRACEPARENT], ...states), placed);
});

test('its limits change while it runs: calls from then on may bring a larger body, in one message as well', async (t) => {
  const { open, server } = await start(t, async (request) => new Response(`${(await request.text()).length}`));
  const body = 'x'.repeat(3 * 1024 * 1024);
  const small = { body: 1024 * 1024, reply: 1 << 20, time: 10_000 };
  const status = async () => {
    const [message] = await all(open(head('POST'), chunk(body, true)));
    return [message?.immediate_response?.status?.code, `${message?.immediate_response?.body}`];
  };
  server.setLimits(small);
  await assert.rejects(status(), /RESOURCE_EXHAUSTED/);
  server.setLimits({ ...small, body: 4 * 1024 * 1024 });
  assert.equal((await status())[1], `${body.length}`);
  server.setLimits(small);
  await assert.rejects(status(), /RESOURCE_EXHAUSTED/);
});

test('the peer closing its side before the answer is the client leaving', async (t) => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<AbortSignal>();
  const { open } = await start(t, (request) => {
    begin(request.signal);
    return new Promise<Response>(() => {});
  });
  const call = open(head('GET'));
  const signal = await begun;
  assert.equal(signal.aborted, false);
  call.end();
  await all(call);
  assert.ok(signal.aborted);
});

test('an exchange that has had its answer does not abort its signal', async (t) => {
  let signal: AbortSignal | undefined;
  const { open } = await start(t, (request) => {
    signal = request.signal;
    return new Response('ok');
  });
  await all(open(head('GET')));
  await sleep(20);
  assert.equal(signal?.aborted, false);
});

test('what grpc-js says when a call is over aborts nothing once the answer is given', () => {
  const over = () => new Duplex({ objectMode: true, read() {}, write: (_chunk, _encoding, done) => done() });
  const [answered, left] = [over(), over()];
  // All that an Exchange uses of a call is its events and write().
  const [first, second] = [answered, left].map((call) =>
    callExchange(call as unknown as Parameters<typeof callExchange>[0]),
  );
  first?.finish();
  for (const call of [answered, left]) call.emit('cancelled');
  assert.deepEqual([first?.signal.aborted, second?.signal.aborted], [false, true]);
});

/** Sends until the other end stops reading, at most `maxCount` messages; returns how many were sent. */
async function flood<T>(
  call: Pick<Writable, 'write' | 'once'> & EventEmitter,
  message: T,
  maxCount: number,
): Promise<number> {
  let sent = 0;
  for (; sent < maxCount; sent++) {
    if (call.write(message)) continue;
    const drained = await Promise.race([once(call, 'drain').then(() => true), sleep(1_000).then(() => false)]);
    if (!drained) break;
  }
  return sent;
}

test('what a peer sends behind the end of a body is kept by nobody', async (t) => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: release, resolve: answer } = Promise.withResolvers<void>();
  const { open } = await start(t, async () => {
    begin();
    await release;
    return new Response('ok');
  });
  const call = open(head('POST'), chunk('abc', true));
  const answered = all(call);
  await begun;
  const before = memory();
  const maxCount = 1_500;
  assert.equal(
    await flood(call, chunk('x'.repeat(64 * 1024)), maxCount),
    maxCount,
    'it is read, so that the call can end',
  );
  const grown = memory() - before;
  answer();
  await answered;
  assert.ok(grown < 32 * 1024 * 1024, `${grown} bytes of ${maxCount * 64 * 1024}`);
});

test('from a peer that reads no answers no more is read than a few messages', async (t) => {
  const { address } = await start(t, () => new Response());
  const { Process } = loaded.envoy.service.ext_proc.v3.ExternalProcessor.service;
  // In the original mode, each of these is let through by an answer of its own.
  const message = Process?.requestSerialize({ response_body: { body: Buffer.alloc(1024), end_of_stream: false } });
  const length = Buffer.alloc(5);
  length.writeUInt32BE(message?.length ?? 0, 1);
  const session = connect(`http://${address}`); // grpc-js's own client reads ahead
  t.after(() => session.destroy());
  const headers = {
    ':method': 'POST',
    ':path': Process?.path ?? '',
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  const stream = session.request(headers).on('error', () => {});
  const maxCount = 15_000;
  const sent = await flood(stream, Buffer.concat([length, message ?? length]), maxCount);
  assert.ok(sent < maxCount, `${sent} messages were read`);
});

/** Bytes in use after a garbage collection: outside the heap, where the bodies of messages are, and in it. */
function memory(): number {
  collect();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

test('a streamed reply that is cut ends the call with an error status, after what was sent', async (t) => {
  const { open } = await start(t, () => {
    const body = new ReadableStream({
      async pull(controller) {
        controller.enqueue(Buffer.from('data: 1\n\n'));
        await sleep(10);
        controller.error(new Error('broken'));
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  });
  const call = open(head('GET'));
  const messages: ProcessingResponse[] = [];
  call.on('data', (message) => messages.push(message));
  const error = await new Promise<{ code?: number }>((resolve) => call.on('error', resolve));
  assert.equal(error.code, 10);
  assert.equal(messages.length, 2);
});

test('a crowd of clients that leave takes nobody else with it', async (t) => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { open } = await start(t, () => {
    begin();
    return events(Array(10).fill('data: 1\n\n'), 60);
  });
  const openStreams = all(open(head('GET')));
  await begun;
  for (let round = 0; round < 30; round++) {
    const crowd = Array.from({ length: 100 }, () => open(head('POST')).on('error', () => {}));
    await new Promise((resolve) => setImmediate(resolve));
    for (const call of crowd) call.cancel();
  }
  assert.equal((await openStreams).length, 11);
});

test('health: SERVING, unknown services, and NOT_SERVING at once while draining; what is in flight finishes', async (t) => {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { server, open, check, health } = await start(t, () => {
    begin();
    return events(Array(10).fill('data: 1\n\n'), 20);
  });
  assert.equal(await check(), 1);
  assert.equal(await check('envoy.service.ext_proc.v3.ExternalProcessor'), 1);
  await assert.rejects(check('other'), { code: 5 });
  const watched: number[] = [];
  const watch = health.Watch?.({ service: '' }).on('error', () => {});
  watch.on('data', ({ status }: { status: number }) => watched.push(status));
  const openStreams = all(open(head('GET')));
  await begun;
  const drained = server.drain(5000);
  assert.equal(await check(), 2);
  const late = all(open(head('GET')));
  const [messages] = await Promise.all([openStreams, late]);
  const body = messages.map(({ streamed_immediate_response: part }) =>
    part && 'body_response' in part && part.body_response ? `${part.body_response.body}` : '',
  );
  assert.equal(body.join(''), 'data: 1\n\n'.repeat(10));
  await drained;
  assert.deepEqual(watched, [1, 2]);
});

test('a server that drains takes requests until who checks it has been told, though it has none meanwhile', async (t) => {
  const { server, open, check } = await start(t, () => new Response('here'));
  assert.equal(await check(), 1);
  const drained = server.drain(60_000);
  const isOver = async () => (await Promise.race([drained.then(() => 'over'), sleep(20)])) === 'over';
  for (let n = 0; n < 3; n++) {
    const [message] = await all(open(head('GET')));
    assert.ok(message, 'it answers');
    assert.equal(await isOver(), false);
  }
  assert.equal(await check(), 2);
  await drained;
});

test('draining ends when its grace does, and aborts what is left', async (t) => {
  const begun = Promise.withResolvers<AbortSignal>();
  const { server, open } = await start(t, (request) => {
    begun.resolve(request.signal);
    return new Promise<Response>(() => {});
  });
  const call = open(head('GET')).on('error', () => {});
  call.resume();
  const signal = await begun.promise;
  const aborted = once(signal, 'abort');
  await server.drain(50);
  await aborted;
});

test('a port in use is an Error that names the flag and the port', async (t) => {
  const { server, address } = await start(t, () => new Response());
  const again = serveGrpc({ address, fetch: () => new Response(), ...options() });
  await assert.rejects(again, { message: `port ${server.port} is in use: choose another with -port` });
});
