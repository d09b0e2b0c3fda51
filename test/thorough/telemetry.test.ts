import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { parseConfig } from '../../handler/index.ts';
import { withBatch } from '../../handler/state/database/batch.ts';
import { ended } from '../promises/background.ts';
import { until } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { openInProcess, testHandler } from '../support/doors/in-process.ts';
import { callsFunctions, replies, says, sends, startScriptedModel } from '../support/model/scripted.ts';
import { plays } from '../support/played-tool.ts';
import { ask, opened, testTelemetry } from '../support/telemetry.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const traceparent = `00-${TRACE}-${PARENT}-01`;
const usage = {
  ...{ prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
  prompt_tokens_details: { cached_tokens: 5 },
  completion_tokens_details: { reasoning_tokens: 3 },
};

function parentOf(span: ReadableSpan): string | undefined {
  return span.parentSpanContext?.spanId;
}

test('a request, its model calls and its tool calls are one trace, which goes on at the model', async (t) => {
  const { door, told, close } = await opened();
  t.after(close);
  const seen: (string | undefined)[] = [];
  const add = callsFunctions({ name: 'add', args: '{"a":2,"b":3}', id: 'c1' });
  const model = door.model.script(
    (turn) => {
      seen.push(String(turn.headers.traceparent));
      return add(turn);
    },
    (turn) => {
      seen.push(String(turn.headers.traceparent));
      return sends([{ content: '5' }], 'stop', usage)(turn);
    },
  );
  const text = await ask(door, { model, tools: [{ type: 'test_tool' }] }, { traceparent, tracestate: 'a=b' });
  const [first, tool, second, request] = told.spans();
  assert.ok(first && tool && second && request, `${told.spans().map(({ name }) => name)}`);
  assert.deepEqual(
    [first.name, tool.name, second.name, request.name],
    [`chat ${model}`, 'execute_tool add', `chat ${model}`, 'POST /v1/responses'],
  );
  assert.deepEqual([first.kind, tool.kind, request.kind], [SpanKind.CLIENT, SpanKind.INTERNAL, SpanKind.SERVER]);
  for (const span of told.spans()) assert.equal(span.spanContext().traceId, TRACE);
  assert.equal(parentOf(request), PARENT);
  for (const span of [first, tool, second]) assert.equal(parentOf(span), request.spanContext().spanId);
  assert.deepEqual(
    seen,
    [first, second].map((span) => `00-${TRACE}-${span.spanContext().spanId}-01`),
  );
  assert.partialDeepStrictEqual(second.attributes, {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': model,
    'gen_ai.usage.input_tokens': 11,
    'gen_ai.usage.output_tokens': 7,
    'gen_ai.usage.cache_read.input_tokens': 5,
    'gen_ai.usage.reasoning.output_tokens': 3,
    'gen_ai.response.finish_reasons': ['stop'],
    'server.address': '127.0.0.1',
    'server.port': Number(new URL(door.model.url).port),
  });
  assert.partialDeepStrictEqual(request.attributes, {
    'http.request.method': 'POST',
    'http.route': '/v1/responses',
    'http.response.status_code': 200,
    'gen_ai.response.id': /resp_\w+/.exec(text)?.[0],
    'antiphon.turn.rounds': 2,
    'antiphon.turn.finish': 'stop',
  });
  assert.ok(!('gen_ai.usage.input_tokens' in request.attributes), 'who adds up spans would count twice');
  const all = JSON.stringify(told.spans().map(({ attributes, events }) => [attributes, events]));
  assert.ok(!all.includes('"a"'), 'content is told only where it is asked for');
});

test('what a model refuses is an error of its call, and of the request if it is the server that failed', async (t) => {
  const { door, told, close } = await opened();
  t.after(close);
  await ask(door, { model: door.model.script(replies(500, { error: { message: 'secret words' } })) });
  const call = told.span('chat');
  const request = told.span('POST');
  assert.equal(call.attributes['error.type'], 'server');
  assert.equal(call.status.code, SpanStatusCode.ERROR);
  assert.equal(request.status.code, SpanStatusCode.ERROR);
  assert.equal(request.attributes['http.response.status_code'], 500);
  await ask(door, { model: 'nothing-has-this-name', input: 5 });
  const refused = told.spans().at(-1);
  assert.equal(refused?.status.code, SpanStatusCode.UNSET, 'the client was wrong');
  assert.ok(refused?.attributes['error.type']);
});

test('a background turn goes on with the trace of its request, and so do its webhooks', async (t) => {
  const { door, told, close } = await opened();
  t.after(close);
  door.model.answerHooks(204);
  const model = door.model.script(says('ok'));
  const text = await ask(door, { model, background: true }, { traceparent, 'x-request-id': 'mine' });
  const { id } = JSON.parse(text);
  await ended(door, id);
  await until(async () => told.spans().some(({ name }) => name === 'POST webhook'));
  await until(async () => told.spans().some(({ name }) => name === 'background turn'));
  const request = told.span('POST /v1/responses');
  const turn = told.span('background turn');
  const call = told.span('chat');
  const hook = told.span('POST webhook');
  for (const span of [request, turn, call, hook]) assert.equal(span.spanContext().traceId, TRACE, span.name);
  assert.equal(parentOf(turn), request.spanContext().spanId);
  assert.equal(parentOf(call), turn.spanContext().spanId);
  assert.equal(parentOf(hook), request.spanContext().spanId);
  assert.equal(turn.attributes['gen_ai.response.id'], id);
  for (const span of [request, turn, hook]) assert.equal(span.attributes['antiphon.request.id'], 'mine', span.name);
  assert.equal(door.model.hooks[0]?.headers.traceparent, `00-${TRACE}-${hook.spanContext().spanId}-01`);
});

test('metrics tell of requests, turns, calls, tools, batches and what waits', async (t) => {
  const { door, told, close } = await opened();
  t.after(close);
  const add = callsFunctions({ name: 'add', args: '{"a":2,"b":3}', id: 'c1' });
  const model = door.model.script(add, sends([{ content: 'a' }, { content: 'b' }], 'stop', usage));
  await ask(door, { model, tools: [{ type: 'test_tool' }], stream: true });
  await ask(door, { model: 'nothing-has-this-name', input: 5 });
  const text = await told.metrics();
  const has = (pattern: RegExp) => assert.match(text, pattern);
  has(
    /http_server_request_duration_count\{http_request_method="POST",http_route="\/v1\/responses",http_response_status_code="200"\} 1/,
  );
  has(/http_server_active_requests\{http_request_method="POST"\} 0/);
  has(new RegExp(`gen_ai_server_request_duration_count\\{.*gen_ai_request_model="${model}".*mode="foreground".*\\} 1`));
  has(/gen_ai_server_time_to_first_token_count\{.*\} 1/);
  has(/gen_ai_server_time_per_output_token_count\{.*\} 1/);
  has(/gen_ai_client_inference_duration_count\{.*server_address="127\.0\.0\.1:\d+".*\} 2/);
  has(/gen_ai_client_inference_usage_input_tokens_total\{.*\} \d+/);
  has(/gen_ai_client_inference_usage_cache_read_input_tokens_total\{.*\} 5/);
  has(/gen_ai_execute_tool_duration_count\{.*gen_ai_tool_name="add".*\} 1/);
  has(/db_client_operation_duration_count\{db_system_name="(sqlite|postgresql)",db_operation_name="BATCH.*"\} \d/);
});

test('a call whose result says that it failed is a span and a measurement that failed', async (t) => {
  const { door, told, close } = await opened();
  t.after(close);
  const entry = plays({ functions: { try: () => ({ output: 'It did not work.', failed: true }) } });
  await ask(door, {
    model: door.model.script(callsFunctions({ name: 'try', args: '{}' }), says('No.')),
    tools: [entry],
  });
  const span = told.span('execute_tool try');
  assert.equal(span.attributes['error.type'], 'tool_error');
  assert.equal(span.status.code, SpanStatusCode.ERROR);
  assert.match(await told.metrics(), /gen_ai_execute_tool_duration_count\{.*error_type="tool_error".*\} 1/);
});

test('a turn is measured once, where it ends, by its model if that has ever answered', async (t) => {
  const { door, told, close } = await opened();
  t.after(close);
  const turns = async () => (await told.metrics()).match(/^gen_ai_server_request_duration_count.*$/gm) ?? [];
  const fails = replies(500, { error: { message: 'no' } });
  const model = door.model.script(fails, sends([{ content: 'a' }], 'stop', usage), fails);
  await ask(door, { model });
  const { id } = JSON.parse(await ask(door, { model, background: true }));
  await ended(door, id);
  await until(async () => (await turns()).length > 1);
  await ask(door, { model });
  const labels = (await turns()).map((line) => /gen_ai_request_model="(.*)"\} 1$/.exec(line)?.[1]);
  assert.deepEqual(labels, [
    'scripted-*",antiphon_turn_mode="foreground",error_type="server',
    `${model}",antiphon_turn_mode="background`,
    `${model}",antiphon_turn_mode="foreground",error_type="server`,
  ]);
});

test('what has never happened is 0, so that the first time is an increase', async (t) => {
  const { door, told, close } = await opened();
  t.after(close);
  await ask(door, { model: door.model.script(says('ok')) });
  const text = await told.metrics();
  for (const name of ['antiphon_turns_taken_over', 'gen_ai_client_inference_usage_reasoning_output_tokens'])
    assert.match(text, new RegExp(`^${name}_total.* 0$`, 'm'));
});

test('labels are bounded, and have any character as it is', async (t) => {
  const told = testTelemetry();
  const door = await openInProcess({
    telemetry: told.slot,
    config: parseConfig({ models: [{ match: 'demo*', backend: 'demo' }] }),
  });
  t.after(() => door.close());
  await ask(door, { model: 'demo "\n\\ é' });
  await Promise.all(Array.from({ length: 250 }, (_, count) => ask(door, { model: `demo-${count}`, store: false })));
  const text = await told.metrics();
  const names = new Set(text.match(/gen_ai_request_model="(?:[^"\\]|\\.)*"/g));
  assert.ok(names.has(String.raw`gen_ai_request_model="demo \"\n\\ é"`), [...names].slice(0, 3).join());
  assert.equal(names.size, 201);
  assert.match(text, /server_request_duration_count\{.*gen_ai_request_model="other".*\} 51$/m);
});

test('metrics come while the database does not answer, and it is asked once at a time', async (t) => {
  const model = await startScriptedModel();
  const database = await testDatabase();
  let asked = 0;
  const { promise: never, resolve: end } = Promise.withResolvers<void>();
  const stuck = withBatch(database, (database) => async (batch) => {
    if ('counted' in batch) {
      asked++;
      await never;
    }
    return database.batch(batch);
  });
  const handler = await testHandler(model, { database: stuck });
  t.after(async () => {
    end();
    await handler.close();
    await database.close();
    await model.close();
  });
  const told = await Promise.all([handler.gauges(), handler.gauges()]);
  told.push(await handler.gauges());
  for (const gauges of told) assert.partialDeepStrictEqual(gauges, { webhooksWaiting: undefined, ready: true });
  assert.equal(asked, 1);
});
