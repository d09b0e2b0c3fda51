import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningEnvoy, startEnvoy } from '../../envoy/run.ts';
import type { Running } from '../../shim/running.ts';
import { serveGrpc } from '../../shim/server.ts';
import { freePort } from '../support/ports.ts';
import { ask, askHttp2, begin } from './shim-client.ts';
import { CallLog, handler } from './shim-handler.ts';

const MIB = 1024 * 1024;
const calls = new CallLog();
const lines: string[] = [];
const stops: (() => Promise<void>)[] = [];
let envoy: RunningEnvoy;

async function start(mode: 'streamed' | 'buffered' | 'original', time = 60_000) {
  const server: Running = await serveGrpc({
    address: `127.0.0.1:${await freePort()}`,
    fetch: handler(calls),
    limits: { body: 32 * MIB, reply: 4 * MIB, time },
    log: (level, message) => void lines.push(`${level}: ${message}`),
  });
  stops.push(server.close);
  const envoy = await startEnvoy({ mode, grpcPort: server.port, envoyPort: await freePort(), logLevel: 'error' });
  stops.push(envoy.stop);
  return { server, envoy };
}

async function stat(name: string): Promise<number> {
  const text = await envoy.admin(`/stats?filter=cluster.antiphon.${name}$`);
  return Number(text.split(': ')[1]);
}

before(async () => {
  ({ envoy } = await start('streamed'));
});
after(async () => {
  for (const stop of stops.toReversed()) await stop();
});

test('a request without and with a body, over HTTP/1 and HTTP/2', async () => {
  const method = (body: string) => JSON.parse(body).method;
  for (const via of [ask, askHttp2]) {
    const got = await via(`${envoy.origin}/echo?a=b`);
    assert.deepEqual([got.status, method(got.body)], [200, 'GET']);
    const posted = await via(`${envoy.origin}/echo?a=b`, { body: 'abc', headers: { 'x-request-id': 'mine' } });
    const seen = JSON.parse(posted.body);
    assert.deepEqual([seen.method, seen.path, seen.text], ['POST', '/echo?a=b', 'abc']);
    assert.equal(posted.headers['x-request-id'], 'mine');
    assert.deepEqual(posted.headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal(posted.headers['content-type'], 'application/json');
    assert.equal(method((await via(`${envoy.origin}/echo`, { method: 'DELETE' })).body), 'DELETE');
  }
  const trailers = await askHttp2(`${envoy.origin}/echo`, { body: 'abc', trailers: { 'x-end': '1' } });
  assert.equal(JSON.parse(trailers.body).text, 'abc');
});

test('HEAD, 204 and 304 have no body', async () => {
  for (const [path, method, status] of [
    ['/echo', 'HEAD', 200],
    ['/live', 'HEAD', 200],
    ['/status/204', 'GET', 204],
    ['/status/304', 'GET', 304],
  ] as const) {
    const reply = await ask(envoy.origin + path, { method });
    assert.deepEqual([reply.status, reply.body], [status, '']);
  }
});

test('events arrive apart, as they are made, over HTTP/1 and HTTP/2', async () => {
  for (const via of [ask, askHttp2]) {
    const { body, headers, at } = await via(`${envoy.origin}/live?n=4&gap=100`, { body: '{}' });
    assert.equal(body, 'data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\n');
    assert.equal(headers['content-type'], 'text/event-stream');
    assert.equal(headers['content-length'], undefined);
    // Envoy keeps one value of each header of a streamed reply.
    assert.deepEqual(headers['set-cookie'], ['b=2']);
    // They are made over 300 ms; a buffered reply would come at once.
    assert.ok((at.at(-1) ?? 0) - (at[0] ?? 0) > 100, `${at}`);
  }
});

test('a body of 32 MiB arrives; one byte more is 413, announced or not', async () => {
  const whole = await ask(`${envoy.origin}/echo`, { body: Buffer.alloc(32 * MIB) });
  assert.equal(JSON.parse(whole.body).size, 32 * MIB);
  const before = calls.length;
  for (const headers of [{ 'content-length': String(32 * MIB + 1) }, { 'transfer-encoding': 'chunked' }]) {
    const refused = await ask(`${envoy.origin}/echo`, { body: Buffer.alloc(32 * MIB + 1), headers });
    assert.equal(refused.status, 413);
    assert.equal(JSON.parse(refused.body).error.code, 'request_too_large');
  }
  assert.equal(calls.length, before);
});

test('what the handler throws is a 500 error body', async () => {
  const { status, body } = await ask(`${envoy.origin}/throw`, { body: '{}' });
  assert.equal(status, 500);
  assert.doesNotMatch(body, /secret/);
  assert.equal(JSON.parse(body).error.type, 'server_error');
});

test('a reply over the limit is a 500, and truncated when it has begun', async () => {
  assert.equal((await ask(`${envoy.origin}/large?size=${4 * MIB}`)).body.length, 4 * MIB);
  assert.equal((await ask(`${envoy.origin}/large?size=${4 * MIB + 1}`)).status, 500);
  const logged = lines.length;
  await assert.rejects(ask(`${envoy.origin}/live?n=99&size=${MIB}`), /aborted|terminated|ECONNRESET/);
  assert.deepEqual(lines.slice(logged), ['error: A streamed reply was cut.']);
});

test('a client that leaves is seen, before the reply and in it, and the handler’s signal aborts', async () => {
  for (const path of ['/hang', '/live?n=999&gap=10']) {
    for (const body of [undefined, '{}']) {
      const call = calls.next();
      const leave = begin(envoy.origin + path, body);
      const { signal } = await call;
      await sleep(30);
      assert.equal(signal.aborted, false);
      leave();
      // Envoy itself takes up to 140 ms to report it; shim-session.test.ts checks that the shim does so in the same tick.
      for (let n = 0; n < 2000 && !signal.aborted; n++) await sleep(1);
      assert.ok(signal.aborted, path);
    }
  }
  const { signal } = await calls.having(ask(`${envoy.origin}/live?n=2`));
  await sleep(50);
  assert.equal(signal.aborted, false, 'a reply that was read to its end aborts nothing');
});

test('1,500 requests in a row, and clients that leave by the hundred, fail none', async () => {
  const resets = await stat('upstream_rq_tx_reset');
  const openStreams = Promise.all(Array.from({ length: 10 }, () => ask(`${envoy.origin}/live?n=60&gap=50`)));
  for (let round = 0; round < 1500; round++) {
    const live = round % 2 === 0;
    const reply = await ask(envoy.origin + (live ? '/live?n=2' : '/echo'), { body: '{}' });
    assert.equal(reply.status, 200);
    if (live) assert.equal(reply.body, 'data: 0\n\ndata: 1\n\n');
    if (round % 5 === 0) setTimeout(begin(`${envoy.origin}/hang`), 20);
  }
  for (const reply of await openStreams) assert.equal(reply.body.match(/data/g)?.length, 60);
  assert.ok((await stat('upstream_rq_tx_reset')) - resets > 1_400, 'Envoy resets each stream after its answer');
  assert.equal(await stat('upstream_cx_destroy'), 0);
});

test('1,300 streams at once', async () => {
  const replies = await Promise.all(Array.from({ length: 1300 }, () => ask(`${envoy.origin}/live?n=3&gap=500`)));
  for (const reply of replies) assert.equal(reply.body, 'data: 0\n\ndata: 1\n\ndata: 2\n\n');
});

test('buffered: everything works, with a stream in one piece', async () => {
  const { envoy } = await start('buffered');
  const posted = JSON.parse((await ask(`${envoy.origin}/echo?a=b`, { body: 'abc' })).body);
  assert.deepEqual([posted.method, posted.path, posted.text], ['POST', '/echo?a=b', 'abc']);
  assert.equal(JSON.parse((await ask(`${envoy.origin}/echo`)).body).method, 'GET');
  const live = await ask(`${envoy.origin}/live?n=3&gap=20`, { body: '{}' });
  assert.deepEqual([live.body, live.at.length], ['data: 0\n\ndata: 1\n\ndata: 2\n\n', 1]);
  assert.equal(live.headers['content-type'], 'text/event-stream');
  const trailers = await askHttp2(`${envoy.origin}/echo`, { body: 'abc', trailers: { 'x-end': '1' } });
  assert.equal(JSON.parse(trailers.body).text, 'abc');
  assert.equal((await ask(`${envoy.origin}/throw`, { body: '{}' })).status, 500);
  const whole = await ask(`${envoy.origin}/echo`, { body: Buffer.alloc(32 * MIB) });
  assert.equal(JSON.parse(whole.body).size, 32 * MIB);
});

test('original: a body is a POST to its path; a request without one gets the route’s 503', async () => {
  const { envoy } = await start('original', 1000);
  const headers = { 'x-request-id': 'mine', 'content-type': 'text/plain' };
  const reply = await ask(`${envoy.origin}/echo?a=b`, { body: 'abc', headers });
  const posted = JSON.parse(reply.body);
  assert.deepEqual([posted.method, posted.path, posted.text], ['POST', '/echo?a=b', 'abc']);
  assert.equal(posted.type, 'text/plain');
  const live = await ask(`${envoy.origin}/live?n=3&gap=20`, { body: '{}' });
  assert.equal(live.body, 'data: 0\n\ndata: 1\n\ndata: 2\n\n');
  assert.equal((await ask(`${envoy.origin}/throw`, { body: '{}' })).status, 500);
  assert.equal((await ask(`${envoy.origin}/hang`, { body: '{}' })).status, 500);
  const without = await ask(`${envoy.origin}/echo`);
  assert.equal(without.status, 503);
  assert.equal(JSON.parse(without.body).error.type, 'server_error');
});

test('past its time a reply is a 500, and truncated when it has begun', async () => {
  const { envoy } = await start('streamed', 300);
  assert.equal((await ask(`${envoy.origin}/hang`)).status, 500);
  await assert.rejects(ask(`${envoy.origin}/live?n=99&gap=20`), /aborted|terminated|ECONNRESET/);
});

test('draining: what streams finishes whole, and Envoy answers 503 with a body afterwards', async () => {
  const { server, envoy } = await start('streamed');
  const call = calls.next();
  const openStreams = ask(`${envoy.origin}/live?n=20&gap=20`);
  await call;
  const drained = server.drain(5000);
  assert.equal((await ask(`${envoy.origin}/echo`)).status, 200, 'still served until the last has gone');
  assert.equal((await openStreams).body.match(/data/g)?.length, 20);
  await drained;
  const late = await ask(`${envoy.origin}/echo`);
  assert.equal(late.status, 503);
  assert.equal(JSON.parse(late.body).error.type, 'server_error');
});
