import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { configureLog, parseConfig } from '../../handler/index.ts';
import { MetricPush } from '../../handler/otlp/metric-push.ts';
import { openOtlp } from '../../handler/otlp/open.ts';
import { SpanQueue } from '../../handler/otlp/span-queue.ts';
import { ended } from '../promises/background.ts';
import { until } from '../promises/state-ask.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { openInProcess, testHandler } from '../support/doors/in-process.ts';
import { says, startScriptedModel } from '../support/model/scripted.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { testTelemetry } from '../support/telemetry.ts';

const TURNS = 'gen_ai.server.request.duration';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SECRET = 'a token%20of the receiver';

/** A handler whose telemetry is pushed at the ends of its requests. */
async function opened(t: TestContext, variables: object) {
  const receiver = await startOtlpReceiver();
  const model = await startScriptedModel();
  const telemetry = openOtlp({ OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.url}/`, ...variables });
  const handler = await testHandler(model, { telemetry, config: parseConfig(testConfigFile(model)) });
  telemetry.observe(handler.gauges);
  t.after(async () => {
    await handler.close();
    await model.close();
    await receiver.close();
  });
  const name = model.script(says('ok'));
  /** Makes a turn, and gives what its request asks its runtime to wait for. */
  const ask = async (): Promise<{ beyond: Promise<unknown> }> => {
    const work: Promise<unknown>[] = [];
    const headers = { 'content-type': 'application/json', traceparent: `00-${TRACE}-b7ad6b7169203331-01` };
    const body = JSON.stringify({ model: name, input: 'Hi', store: false });
    const request = new Request('http://x/v1/responses', { method: 'POST', headers, body });
    await (await handler.fetch(request, { waitUntil: (promise) => work.push(promise) })).text();
    return { beyond: Promise.all(work) };
  };
  return { receiver, telemetry, ask };
}

for (const protocol of ['http/protobuf', 'http/json']) {
  test(`what a request waits for hands over its trace and all metrics, by ${protocol}`, async (t) => {
    const { receiver, ask } = await opened(t, { OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
    await (await ask()).beyond;
    const type = protocol === 'http/json' ? 'application/json' : 'application/x-protobuf';
    assert.deepEqual(receiver.posts.map((post) => `${post.path} ${post.type}`).sort(), [
      `/v1/metrics ${type}`,
      `/v1/traces ${type}`,
    ]);
    const spans = receiver.spansOf(TRACE);
    assert.deepEqual(spans.map(({ name }) => name.split(' ')[0]).sort(), ['POST', 'chat']);
    for (const { service, start, end } of spans) {
      assert.equal(service, 'antiphon');
      assert.ok(start <= end && end <= Date.now() + 1 && start > Date.now() - 60_000);
    }
  });
}

test('of metrics that come quickly one request waits to push all, and the others do not', async (t) => {
  const { receiver, ask } = await opened(t, {
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_METRIC_EXPORT_INTERVAL: '3000',
  });
  await (await ask()).beyond;
  const waiting = await ask();
  await (await ask()).beyond;
  assert.equal(receiver.sumOf(TURNS), 1);
  await waiting.beyond;
  assert.equal(receiver.sumOf(TURNS), 3);
});

test('a wait that is cut short with its request delays no later one', async (t) => {
  t.mock.timers.enable({ apis: ['Date'] });
  let pushes = 0;
  const push = new MetricPush(async () => void pushes++, 10_000, {});
  push.setMetricProducer({
    collect: async () => ({ resourceMetrics: { resource: {} as never, scopeMetrics: [] }, errors: [] }), // not looked at
  });
  await push.flushInTurn();
  t.mock.method(globalThis, 'setTimeout', () => 0); // it never comes
  void push.flushInTurn();
  t.mock.timers.tick(9_999);
  await push.flushInTurn();
  assert.equal(pushes, 1, 'somebody waits');
  t.mock.timers.tick(1);
  await push.flushInTurn();
  assert.equal(pushes, 2);
  await push.flush();
  assert.equal(pushes, 3, 'at once');
});

test('only so many spans wait or are on their way, and a request that nobody waits for any more does not count', async (t) => {
  t.mock.timers.enable({ apis: ['Date'] });
  const sent: number[] = [];
  let take = () => Promise.withResolvers<void>().promise;
  const send = (spans: ReadableSpan[]) => {
    sent.push(spans.length);
    return take();
  };
  const queue = new SpanQueue(send, { max: 5, batch: 2, timeout: 1_000 });
  const end = (count: number) => {
    for (let n = 0; n < count; n++) queue.onEnd({} as ReadableSpan); // it is only counted
  };
  end(3);
  void queue.flush();
  assert.deepEqual(sent, [2, 1]);
  end(1_000);
  take = async () => {};
  await assert.rejects(queue.flush(), /998 spans were dropped/);
  assert.deepEqual(sent.slice(2), [2]);
  end(3);
  await assert.rejects(queue.flush(), /1 spans were dropped/);
  t.mock.timers.tick(1_001);
  end(5);
  await queue.flush();
  assert.deepEqual(sent.slice(3), [2, 2, 2, 1]);
});

test('what cannot be handed over is a warning, without the credentials of the receiver, and no error of anybody', async (t) => {
  const lines: string[] = [];
  configureLog('warn', (line) => lines.push(line));
  t.after(() => configureLog('error', () => {}));
  const variables = {
    ...{ OTEL_EXPORTER_OTLP_HEADERS: `x-token=${SECRET}`, OTEL_EXPORTER_OTLP_CERTIFICATE: '/x.pem' },
    OTEL_LOGS_EXPORTER: 'otlp',
  };
  const { receiver, telemetry, ask } = await opened(t, variables);
  receiver.answer((reply) => reply.writeHead(307, { location: `${receiver.url}/elsewhere?${SECRET}` }).end());
  await (await ask()).beyond;
  await telemetry.flush();
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ level, variable, error }) => [level, variable ?? error]),
    [
      ['WARN', 'OTEL_LOGS_EXPORTER: the log goes to stdout'],
      ['WARN', 'OTEL_EXPORTER_OTLP_CERTIFICATE: the runtime decides which certificates it trusts and shows'],
      ['WARN', 'status 307'],
    ],
  );
  assert.ok(receiver.posts.every(({ path }) => path !== '/elsewhere'));
  assert.equal(receiver.posts[0]?.headers['x-token'], 'a token of the receiver');
  configureLog('debug', (line) => lines.push(line));
  const { log } = await import('../../handler/index.ts');
  log.info(`${SECRET} and ${decodeURIComponent(SECRET)}`);
  assert.match(lines.at(-1) ?? '', /"\[redacted\] and \[redacted\]"/);
});

test('without an endpoint nothing is told, and a wrong variable is named', async () => {
  const off = openOtlp({ DB: {} });
  assert.equal(off.current, undefined);
  await off.flush();
  const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://127.0.0.1:4318';
  for (const [name, value, says] of [
    ['OTEL_METRICS_EXPORTER', 'prometheus', /must be otlp or none/],
    ['OTEL_EXPORTER_OTLP_COMPRESSION', 'br', /must be gzip or none/],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', '1s', /a whole number above 0/],
    ['OTEL_METRIC_EXPORT_INTERVAL', '-1', /a whole number above 0/],
    ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE', 'constructor', /must be cumulative or lowmemory or delta/],
  ] as const) {
    const open = () => openOtlp({ OTEL_EXPORTER_OTLP_ENDPOINT, [name]: value });
    assert.throws(open, says);
    assert.throws(open, new RegExp(name));
  }
});

test('deltas are told where they are asked for', async (t) => {
  const { receiver, telemetry, ask } = await opened(t, {
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
    OTEL_METRIC_EXPORT_INTERVAL: '1',
  });
  for (let turn = 0; turn < 3; turn++) await (await ask()).beyond;
  await telemetry.flush();
  await (await ask()).beyond;
  await telemetry.flush();
  assert.equal(receiver.sumOf(TURNS), 1);
});

test('what is delivered after a background turn is handed over when it has ended', async (t) => {
  const told = testTelemetry();
  const handed: string[][] = [];
  const names = () => told.spans().map(({ name }) => name);
  if (told.slot.current) told.slot.current.flush = async () => void handed.push(names());
  const door = await openInProcess({ telemetry: told.slot });
  t.after(() => door.close());
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ model: door.model.script(says('ok')), input: 'Hi', background: true });
  const reply = await door.fetch('/v1/responses', { method: 'POST', headers, body });
  await ended(door, JSON.parse(await reply.text()).id);
  await until(async () => handed.some((names) => names.includes('POST webhook')));
});
