import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TruncatedReply } from '../shim/reply.ts';
import { serveExchange } from '../shim/session.ts';
import { collect } from './support/collect.ts';
import { chunk, events, FakeExchange, head, options } from './support/shim-fake-exchange.ts';

const echo = async (request: Request) => new Response(`${request.method} ${request.url} ${await request.text()}`);
const SERVER_ERROR =
  '{"error":{"message":"The server had an error while processing your request.","type":"server_error","code":500,"param":null}}';

test('a streamed request body is joined, and a second end_of_stream changes nothing', async () => {
  const exchange = new FakeExchange().push(head('POST'), chunk('a'), chunk('b'), chunk('', true), chunk('c', true));
  let calls = 0;
  const fetch = (request: Request) => {
    calls++;
    return echo(request);
  };
  await serveExchange(exchange, fetch, options());
  assert.equal(exchange.whole.body, 'POST http://host/x ab');
  assert.equal(exchange.sent.length, 1);
  assert.equal(calls, 1);
});

test('trailers end a request body', async () => {
  const exchange = new FakeExchange().push(head('POST'), chunk('ab'), { request_trailers: {} });
  await serveExchange(exchange, echo, options());
  assert.equal(exchange.whole.body, 'POST http://host/x ab');
});

test('in BUFFERED mode headers are let on, and the one body message is all of it', async () => {
  const exchange = new FakeExchange().push(head('POST', { mode: 2 }), chunk('ab', false));
  await serveExchange(exchange, () => events(['data: 1\n\n', 'data: 2\n\n']), options());
  assert.deepEqual(exchange.sent[0], { request_headers: { response: {} } });
  assert.equal(exchange.whole.body, 'data: 1\n\ndata: 2\n\n');
});

test('the original mode: a body alone is a POST to the path of its attributes', async () => {
  const fields = { 'request.path': { stringValue: '/v1/x' }, 'request.id': { stringValue: 'id1' } };
  const attributes = { 'envoy.filters.http.ext_proc': { fields } };
  const protocol_config = { request_body_mode: 2 };
  const exchange = new FakeExchange().push({ ...chunk('ab', true), attributes, protocol_config });
  await serveExchange(exchange, echo, options());
  assert.equal(exchange.whole.body, 'POST http://localhost/v1/x ab');
  assert.ok(exchange.whole.headers.includes('x-request-id: id1'));
});

test('the original mode: without attributes it is a POST to /v1/responses; a body past the limit is 413', async () => {
  const exchange = new FakeExchange().push(chunk('ab', true));
  await serveExchange(exchange, echo, options());
  assert.equal(exchange.whole.body, 'POST http://localhost/v1/responses ab');
  const large = new FakeExchange().push(chunk('ab', true));
  await serveExchange(large, echo, options({ body: 1 }));
  assert.equal(large.whole.status, 413);
});

test('a stream that opens with a response is let through unchanged', async () => {
  const response_body = { body: Buffer.from('x'), end_of_stream: true };
  const exchange = new FakeExchange().push({ response_headers: { headers: null, end_of_stream: false } });
  exchange.push({ response_body }).end();
  await serveExchange(exchange, echo, options());
  assert.deepEqual(exchange.sent, [{ response_headers: { response: {} } }, { response_body: { response: {} } }]);
});

for (const [mode, name] of [
  [0, 'NONE'],
  [1, 'STREAMED'],
  [3, 'BUFFERED_PARTIAL'],
  [5, 'GRPC'],
] as const) {
  test(`request_body_mode ${name} serves a request without a body, and says its name to one with`, async () => {
    const get = new FakeExchange().push(head('GET', { mode }));
    await serveExchange(get, echo, options());
    assert.equal(get.whole.status, 200);
    const post = new FakeExchange().push(head('POST', { mode }));
    await serveExchange(post, echo, options());
    assert.equal(post.whole.status, 500);
    assert.match(post.whole.body, new RegExp(`request_body_mode ${name} with`));
  });
}

test('a request body past the limit is 413 at once: when it is announced, and while it is read', async () => {
  const never = () => assert.fail('the handler must not be called');
  const announced = new FakeExchange().push(head('POST', { headers: { 'content-length': '101' } }));
  await serveExchange(announced, never, options());
  assert.equal(announced.whole.status, 413);
  const read = new FakeExchange().push(head('POST'), chunk('x'.repeat(60)), chunk('x'.repeat(41)));
  await serveExchange(read, never, options());
  assert.equal(JSON.parse(read.whole.body).error.code, 'request_too_large');
  const exact = new FakeExchange().push(head('POST'), chunk('x'.repeat(100), true));
  await serveExchange(exact, () => new Response('ok'), options());
  assert.equal(exact.whole.body, 'ok');
});

test('what the handler throws is a 500 without a word of it, and is logged', async () => {
  for (const fetch of [
    () => {
      throw new Error('secret');
    },
    () => Promise.reject(new Error('secret')),
    // What a handler in JavaScript may give.
    () => undefined as unknown as Response,
    () => new Response(new ReadableStream({ start: (controller) => controller.error(new Error('secret')) })),
  ]) {
    const exchange = new FakeExchange().push(head('GET', { headers: { 'x-request-id': 'id1' } }));
    const logged = options();
    await serveExchange(exchange, fetch, logged);
    assert.equal(exchange.whole.status, 500);
    assert.equal(exchange.whole.body, SERVER_ERROR);
    assert.deepEqual(exchange.whole.headers, ['content-type: application/json', 'x-request-id: id1']);
    assert.equal(logged.lines.length, 1);
  }
});

test('a request that no URL can hold is 400', async () => {
  for (const headers of [{ ':authority': 'a/b' }, { ':path': '/a\\b' }, { ':path': '*' }, { ':method': 'TRACE' }]) {
    const exchange = new FakeExchange().push(head('POST', { headers }), chunk('', true));
    await serveExchange(exchange, echo, options());
    assert.equal(exchange.whole.status, 400, JSON.stringify(headers));
  }
});

test('HEAD, 204 and 304 have no body', async () => {
  for (const [method, status] of [
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ] as const) {
    const exchange = new FakeExchange().push(head(method, { end: true }));
    const body = method === 'HEAD' ? 'x' : null;
    await serveExchange(exchange, () => new Response(body, { status, headers: { etag: '"1"' } }), options());
    const { headers, ...rest } = exchange.whole;
    assert.deepEqual(rest, { status, body: '' });
    assert.ok(headers.includes('etag: "1"'));
  }
});

test('a reply over the limit is a 500 before it has begun, and a cut afterwards; the handler is told', async () => {
  let signal: AbortSignal | undefined;
  const whole = new FakeExchange().push(head('GET'));
  const big = (request: Request) => {
    signal = request.signal;
    return new Response('x'.repeat(101));
  };
  await serveExchange(whole, big, options());
  assert.equal(whole.whole.status, 500);
  assert.ok(signal?.aborted);

  let cancelled = false;
  const live = new FakeExchange().push(head('GET'));
  const logged = options();
  const many = () => {
    const onCancel = () => {
      cancelled = true;
    };
    return events(Array(50).fill('data: xxxx'), 1, onCancel);
  };
  await assert.rejects(serveExchange(live, many, logged), TruncatedReply);
  assert.equal(live.pieces.join('').length, 100);
  assert.ok(!live.pieces.some((piece) => piece.endsWith('|end')));
  assert.ok(cancelled);
  assert.deepEqual(logged.lines, ['error: A streamed reply was cut.']);
});

test('past its time a reply is a 500 before it has begun, and a cut afterwards; the handler is told', async () => {
  let signal: AbortSignal | undefined;
  const stuck = new FakeExchange().push(head('GET'));
  const hang = (request: Request) => {
    signal = request.signal;
    return new Promise<Response>(() => {});
  };
  await serveExchange(stuck, hang, options({ time: 20 }));
  assert.equal(stuck.whole.status, 500);
  assert.ok(signal?.aborted);

  const slow = new FakeExchange().push(head('GET'));
  await assert.rejects(
    serveExchange(slow, () => events(Array(99).fill('x'), 5), options({ time: 30 })),
    TruncatedReply,
  );
  const silent = new FakeExchange().push(head('POST'));
  await serveExchange(silent, echo, options({ time: 20 }));
  assert.equal(silent.whole.status, 500, 'a body that never ends');
  const full = new FakeExchange().push(head('GET'));
  full.blocked = new Promise(() => {});
  setTimeout(() => full.leave(), 50);
  // A peer that takes nothing must not hold a left exchange: this would last for ten minutes.
  await serveExchange(full, () => events(Array(99).fill('x')), options({ time: 600_000 }));
});

test('a client that leaves: the signal aborts at once, the body is cancelled, nothing more is sent', async () => {
  for (const reply of ['none', 'live', 'whole'] as const) {
    const exchange = new FakeExchange().push(head('GET'));
    let signal: AbortSignal | undefined;
    let cancelled = false;
    const fetch = (request: Request) => {
      signal = request.signal;
      if (reply === 'none') return new Promise<Response>(() => {});
      const onCancel = () => {
        cancelled = true;
      };
      const response = events(Array(99).fill('data: 1\n\n'), 5, onCancel);
      return reply === 'live' ? response : new Response(response.body);
    };
    const logged = options({ reply: 9999 });
    const served = serveExchange(exchange, fetch, logged);
    await sleep(30);
    exchange.leave();
    assert.ok(signal?.aborted, 'in the same tick');
    const sent = exchange.sent.length;
    await served;
    assert.equal(cancelled, reply !== 'none');
    assert.ok(exchange.sent.length <= sent + 1, 'at most what was waiting for its tick');
    assert.deepEqual(logged.lines, []);
  }
});

test('a client that leaves ends a body that never comes, whatever its handler does with the signal', async () => {
  const exchange = new FakeExchange().push(head('GET'));
  const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>();
  const body = new ReadableStream({ pull: () => new Promise(() => {}), cancel });
  const served = serveExchange(exchange, () => new Response(body), options({ time: 10_000 }));
  await sleep(5);
  exchange.leave();
  await Promise.all([cancelled, served]);
});

test('a Response that comes after its client has left is closed', async () => {
  const exchange = new FakeExchange().push(head('GET'));
  let cancelled = false;
  const late = async () => {
    await sleep(20);
    const onCancel = () => {
      cancelled = true;
    };
    return events(Array(99).fill('x'), 5, onCancel);
  };
  const served = serveExchange(exchange, late, options());
  await sleep(5);
  exchange.leave();
  await served;
  await sleep(25);
  assert.ok(cancelled);
});

test('a handler that keeps only the signal still learns that the client left, after a garbage collection', async () => {
  const exchange = new FakeExchange().push(head('GET'));
  let signal: AbortSignal | undefined;
  const fetch = ({ signal: given }: Request) => {
    signal = given;
    return events(Array(99).fill('x'), 5);
  };
  const served = serveExchange(exchange, fetch, options());
  for (let round = 0; round < 3; round++) {
    await sleep(10);
    collect();
  }
  exchange.leave();
  await served;
  assert.ok(signal?.aborted);
});
