import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { coalesce } from '../shim/coalesce.ts';
import { serveExchange } from '../shim/session.ts';
import { events, FakeExchange, head, options } from './support/shim-fake-exchange.ts';

const EVENT = 'data: 1\n\n';
const ROOM = { reply: 1 << 20, time: 5000 };

test('the events of one tick leave as one message, with the end of the reply', async () => {
  const exchange = new FakeExchange().push(head('GET'));
  const response = events(Array(50).fill(EVENT));
  response.headers.set('content-length', '7');
  await serveExchange(exchange, () => response, options(ROOM));
  assert.deepEqual(exchange.pieces, [`${EVENT.repeat(50)}|end`]);
  assert.equal(exchange.sent.length, 2);
  const [first] = exchange.sent;
  assert.ok(first?.streamed_immediate_response && 'headers_response' in first.streamed_immediate_response);
  const headers = first.streamed_immediate_response.headers_response.headers?.headers ?? [];
  assert.deepEqual(
    headers.map(({ key, raw_value }) => `${key}: ${raw_value}`),
    [':status: 200', 'content-type: text/event-stream'],
  );
});

test('a slow producer waits for nothing: each event leaves in the tick that made it', async () => {
  const sent: string[] = [];
  const out = coalesce(async (bytes) => void sent.push(`${bytes}`));
  for (let index = 0; index < 5; index++) {
    out.add(Buffer.from(`${index}`));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(sent.length, index + 1);
    await sleep(5);
  }
});

test('a fast producer, one event a turn of the loop, sends a message about every 2 ms', async () => {
  const sent: number[] = [];
  const out = coalesce(async (bytes) => void sent.push(bytes.length));
  const until = performance.now() + 100;
  let made = 0;
  while (performance.now() < until) {
    out.add(Buffer.from('x'));
    made++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  out.finish();
  assert.equal(
    sent.reduce((sum, size) => sum + size, 0),
    made,
  );
  assert.ok(sent.length <= 60, `${sent.length} messages for ${made} events in 100 ms`);
});

test('64 KiB leave at once, and while the peer takes nothing the handler is not read further', async () => {
  const exchange = new FakeExchange().push(head('GET'));
  let made = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        made++;
        controller.enqueue(new Uint8Array(16 * 1024));
        if (made === 1000) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const response = new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  let open = () => {};
  exchange.blocked = new Promise((resolve) => {
    open = resolve;
  });
  const served = serveExchange(exchange, () => response, options({ reply: 1 << 25, time: 5000 }));
  await sleep(30);
  const before = made;
  await sleep(30);
  assert.equal(made, before);
  assert.ok(made <= 5, `${made} chunks of 16 KiB`);
  open();
  exchange.blocked = undefined;
  await served;
  assert.equal(made, 1000);
});

test('what is in one chunk is never split, and order is kept', async () => {
  const sent: string[] = [];
  const out = coalesce(async (bytes, last) => void sent.push(`${bytes.length}${last ? '|end' : ''}`));
  out.add(new Uint8Array(200_000));
  out.add(Buffer.from('a'));
  out.add(new Uint8Array(0));
  out.finish();
  assert.deepEqual(sent, ['200000', '1|end']);
});
