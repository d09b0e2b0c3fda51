import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepSecret, parseConfig } from '../../handler/index.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { callsFunctions, says, startScriptedModel } from '../support/model/scripted.ts';
import { ask, opened, testTelemetry } from '../support/telemetry.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const traceparent = `00-${TRACE}-${PARENT}-01`;

test('content is bounded, and has no secret in whole or in part; of what is not sampled nothing is told', async (t) => {
  const { door, told, close } = await opened({ content: true });
  t.after(close);
  const secret = 'a-secret-that-stands-across-the-cut';
  keepSecret(secret);
  const long = 'x'.repeat(5 * 1024 * 1024);
  const model = door.model.script(callsFunctions({ name: 'add', args: '{"a":2,"b":3}', id: 'c1' }), says('five'));
  const input = [
    { role: 'user', content: `first ${long}` },
    { role: 'user', content: `${'y'.repeat(4_080)}${secret}${'z'.repeat(4_000)}` },
    { role: 'user', content: 'the newest' },
  ];
  await ask(door, { model, input, instructions: long, tools: [{ type: 'test_tool' }] });
  const [first, tool, second] = told.spans();
  assert.ok(first && tool && second);
  for (const { name, attributes } of told.spans()) {
    const text = JSON.stringify(attributes);
    assert.ok(text.length < 80_000, `${name}: ${text.length}`);
    assert.doesNotMatch(text, /a-secret/);
  }
  assert.match(String(first.attributes['gen_ai.input.messages']), /the newest/);
  assert.equal(tool.attributes['gen_ai.tool.call.arguments'], '{"a":2,"b":3}');
  assert.equal(tool.attributes['gen_ai.tool.call.result'], '5');
  assert.match(String(second.attributes['gen_ai.output.messages']), /five/);
  const before = told.spans().length;
  await ask(door, { model, input, tools: [{ type: 'test_tool' }] }, { traceparent: traceparent.replace(/1$/, '0') });
  assert.equal(told.spans().length, before);
  assert.match(String(door.model.calls(model).at(-1)?.headers.traceparent), new RegExp(`^00-${TRACE}-\\w{16}-00$`));
});

test('what is no traceparent begins a trace of its own, which goes on', async (t) => {
  const { door, told, close } = await opened();
  t.after(close);
  const wrong = [
    ...[traceparent.toUpperCase(), `ff${traceparent.slice(2)}`, `${traceparent}, ${traceparent}`, 'x'.repeat(8_000)],
    ...[`00-${'0'.repeat(32)}-${PARENT}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`, `${traceparent}-more`],
  ];
  for (const value of wrong) {
    const model = door.model.script(says('ok'));
    await ask(door, { model }, { traceparent: value, tracestate: 'a=b' });
    const [call, request] = told.spans().slice(-2);
    assert.equal(request?.parentSpanContext, undefined, value);
    const { traceId, spanId } = call?.spanContext() ?? {};
    assert.notEqual(traceId, TRACE);
    const [{ headers } = { headers: {} as Record<string, undefined> }] = door.model.calls(model);
    assert.deepEqual([headers.traceparent, headers.tracestate], [`00-${traceId}-${spanId}-01`, undefined]);
  }
  for (const [sent, kept] of [
    ['a=b', 'a=b'],
    [`a=${'b'.repeat(600)}`, undefined],
    ['ä=b', undefined],
    [
      Array.from({ length: 32 }, (_, n) => `k${n}=${n}`).join(),
      Array.from({ length: 32 }, (_, n) => `k${n}=${n}`).join(),
    ],
  ] as const) {
    const model = door.model.script(says('ok'));
    await ask(door, { model }, { traceparent, tracestate: sent });
    const [call] = door.model.calls(model);
    assert.match(String(call?.headers.traceparent), new RegExp(TRACE));
    assert.equal(call?.headers.tracestate, kept);
  }
});

test('attributes of requests: hostile values are cut, and metrics tell so many apart and then other', async (t) => {
  const told = testTelemetry();
  const model = await startScriptedModel();
  const attributes = [{ header: 'x-squad', as: 'squad', on: ['spans', 'metrics', 'log'], values: 3 }];
  const handler = await testHandler(model, {
    telemetry: told.slot,
    config: parseConfig({ ...testConfigFile(model), attributes }),
  });
  t.after(async () => {
    await handler.close();
    await model.close();
  });
  const name = model.script(says('ok'));
  const send = async (team: string) => {
    const headers = new Headers({ 'content-type': 'application/json', 'x-squad': team });
    headers.append('x-squad', 'again');
    const body = JSON.stringify({ model: name, input: 'Hi', store: false });
    await (await handler.fetch(new Request('http://x/v1/responses', { method: 'POST', headers, body }))).text();
    return told.spans().at(-1)?.attributes.squad;
  };
  assert.equal(await send('blue'), 'blue, again');
  assert.equal(String(await send('x'.repeat(60_000))).length, 128);
  assert.equal(await send('a\tb\u0085c'), 'a b c, again');
  for (let n = 0; n < 200; n++) await send(`team-${n}`);
  const series = (await told.metrics()).match(/gen_ai_server_request_duration_count\{[^}]*\} \d+/g) ?? [];
  const teams = series.map((line) => /squad="([^"]*)"/.exec(line)?.[1]);
  assert.deepEqual(teams, ['blue, again', 'x'.repeat(128), 'a b c, again', 'other']);
});
