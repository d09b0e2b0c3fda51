import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { compileCel } from '../handler/cel.ts';
import { newKey } from '../handler/identity/key.ts';
import { configureLog, type Database, parseConfig } from '../handler/index.ts';
import type { Report } from '../handler/ingress.ts';
import { testDatabase } from './support/doors/database.ts';
import { testConfigFile } from './support/doors/door.ts';
import { type Chosen, testHandler } from './support/doors/in-process.ts';
import { forwardedScripts } from './support/model/forwarded-scripts.ts';
import { hangs, replies, type Script, startScriptedModel } from './support/model/scripted.ts';
import { testTelemetry } from './support/telemetry.ts';

const never = () => assert.fail('no turn is made of it');
const usage = { prompt_tokens: 40, total_tokens: 40 };
const counted: Script = (turn) => replies(200, { data: [], model: turn.body.model, usage })(turn);

/** A handler with the tests' models, and more of a configuration. */
async function open(t: TestContext, more: object = {}, chosen: Chosen = {}) {
  const model = await startScriptedModel();
  const file = { ...testConfigFile(model), ...more };
  const handler = await testHandler(model, { config: parseConfig(file), ...chosen });
  t.after(async () => {
    await handler.close();
    await model.close();
  });
  const named = (kind = 'scripted', script: Script = counted) =>
    model.counting(kind, { ...forwardedScripts, '/v1/embeddings': script }, never);
  const ask = async (
    name: string,
    headers: Record<string, string> = {},
    path = '/v1/embeddings',
    body: object = {},
  ) => {
    const init = { method: 'POST', body: JSON.stringify({ model: name, input: 'Hi', messages: [], ...body }) };
    const all = { 'content-type': 'application/json', ...headers };
    const reply = await handler.fetch(new Request(`http://x${path}`, { ...init, headers: all }));
    const text = await reply.text();
    return { status: reply.status, text, headers: reply.headers, error: reply.ok ? undefined : JSON.parse(text).error };
  };
  return { model, handler, file, named, ask };
}

test('a key has its scopes and models there, too', async (t) => {
  const [writer, reader] = [await newKey(), await newKey()];
  const auth = [
    {
      keys: [
        { id: writer.id, sha256: writer.sha256, models: ['scripted-*'] },
        { id: reader.id, sha256: reader.sha256, scopes: ['read'] },
      ],
    },
  ];
  const { named, ask, model } = await open(t, { auth });
  const [allowed, other] = [named(), named('ruled')];
  const by = ({ key }: { key: string }) => ({ authorization: `Bearer ${key}` });
  assert.equal((await ask(allowed, by(writer))).status, 200);
  assert.equal((await ask(other, by(writer))).status, 403);
  assert.equal((await ask(allowed, by(reader))).status, 403);
  assert.equal((await ask(allowed)).status, 401);
  assert.equal(model.calls(other).length, 0);
  assert.equal(model.calls(allowed)[0]?.headers.authorization, 'Bearer test-key', 'a client’s key is not passed on');
});

test('requests and tokens are limited, and what a server says is what counts', async (t) => {
  const { named, ask } = await open(t);
  const limited = named('limited');
  for (const left of ['2', '1', '0']) {
    const { status, headers } = await ask(limited);
    assert.deepEqual([status, headers.get('x-ratelimit-remaining-requests')], [200, left]);
  }
  const refused = await ask(limited);
  assert.deepEqual([refused.status, refused.error.code], [429, 'rate_limit_exceeded']);
  const frugal = named('frugal'); // 120 tokens a minute
  for (let n = 0; n < 3; n++) assert.equal((await ask(frugal)).status, 200);
  assert.equal((await ask(frugal)).status, 429);
});

test('what a server refuses takes no tokens, and gives its place back', async (t) => {
  const { named, ask } = await open(t, { limits: { perCaller: { turns: 1 } } });
  const frugal = named('frugal', replies(500, { error: { message: 'no' } }));
  for (let n = 0; n < 5; n++) assert.equal((await ask(frugal, {}, undefined, { input: 'x'.repeat(300) })).status, 500);
});

test('what a server refuses is a request all the same', async (t) => {
  const { named, ask } = await open(t);
  const limited = named('limited', replies(500, { error: { message: 'no' } }));
  for (let n = 0; n < 3; n++) assert.equal((await ask(limited)).status, 500);
  assert.equal((await ask(limited)).status, 429);
});

test('a caller has so many at a time', async (t) => {
  const { named, ask, handler } = await open(t, { limits: { perCaller: { turns: 1 } } });
  const { script, begun } = hangs('{');
  const slow = named('scripted', script);
  const leaving = new AbortController();
  const request = new Request('http://x/v1/embeddings', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: slow, input: 'Hi' }),
    signal: leaving.signal,
  });
  const reply = handler.fetch(request);
  await begun;
  assert.equal((await ask(named())).status, 429);
  leaving.abort();
  await (await reply).text().catch(() => {});
  assert.equal((await ask(named())).status, 200);
});

test('a request whose charge cannot be written has failed, and gives its one place back', async (t) => {
  const whole = await testDatabase();
  t.after(() => whole.close());
  let isAway = true;
  const database: Database = {
    ...whole,
    batch(batch) {
      if (isAway && 'charge' in batch) return Promise.reject(new Error('away'));
      return whole.batch(batch);
    },
  };
  const { named, ask, handler, model } = await open(t, { limits: { turns: 1 } }, { database, lease: 100 });
  assert.equal((await ask(named())).status, 500);
  isAway = false;
  const { script, begun } = hangs();
  const body = JSON.stringify({ model: model.script(script), messages: [], stream: true });
  const headers = { 'content-type': 'application/json' };
  const reply = await handler.fetch(new Request('http://x/v1/chat/completions', { method: 'POST', headers, body }));
  await begun;
  const waiting = ask(named());
  assert.equal((await ask(named())).status, 503, 'one has the place, and one waits for it');
  await reply.body?.cancel();
  assert.equal((await waiting).status, 200);
});

test('costs are calculated of what servers say, and Envoy hears of both', async (t) => {
  const costs = [{ match: 'scripted-*', cel: '2u * input_tokens + output_tokens' }];
  const { named, handler } = await open(t, { costs }, { compileCel });
  const report = async (path: string, body: object) => {
    let next: () => Report | undefined = () => undefined;
    const request = new Request(`http://x${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: named(), ...body }),
    });
    const reply = await handler.fetch(request, {
      report(told) {
        next = told;
      },
    });
    const all: Report[] = [];
    const hear = () => all.push(next() ?? {});
    if (reply.headers.get('content-type')?.startsWith('text/event-stream')) hear();
    await reply.text();
    hear();
    const of = (name: string) => Object.assign({}, ...all.map((one) => one[name]));
    return { tokens: of('io.envoy.ai_gateway'), about: of('antiphon') };
  };
  const whole = await report('/v1/embeddings', { input: 'Hi' });
  assert.deepEqual([whole.tokens.llm_input_token, whole.about.llm_cost, whole.about.finish], [40, 80, 'stop']);
  assert.match(String(whole.tokens.backend_name), /^127\.0\.0\.1:\d+$/);
});

test('each server that is asked is a span of the operation, and is measured', async (t) => {
  const told = testTelemetry();
  const { named, ask } = await open(t, {}, { telemetry: told.slot });
  const name = named();
  assert.equal((await ask(name, { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` })).status, 200);
  const span = told.span(`embeddings ${name}`);
  assert.equal(span.attributes['gen_ai.usage.input_tokens'], 40);
  assert.equal(span.attributes['gen_ai.operation.name'], 'embeddings');
  assert.equal(span.spanContext().traceId, 'a'.repeat(32));
  assert.equal(told.span('POST /v1/embeddings').attributes['gen_ai.operation.name'], 'embeddings');
  const failing = named('scripted', replies(500, { error: { message: 'no' } }));
  assert.equal((await ask(failing)).status, 500);
  assert.equal(told.span(`embeddings ${failing}`).attributes['error.type'], 'server');
  const metrics = await told.metrics();
  assert.match(metrics, /gen_ai_client_inference_duration\w*_count\{[^}]*gen_ai_operation_name="embeddings"[^}]*\} 1/);
  assert.match(metrics, /gen_ai_server_request_duration\w*_count\{[^}]*gen_ai_operation_name="embeddings"/);
});

test('a reader that leaves a stream ends its call, without a signal too', async (t) => {
  const { model, handler } = await open(t);
  const { script, begun } = hangs();
  const name = model.script(script);
  const body = JSON.stringify({ model: name, messages: [], stream: true });
  const headers = { 'content-type': 'application/json' };
  const reply = await handler.fetch(new Request('http://x/v1/chat/completions', { method: 'POST', headers, body }));
  await begun;
  await reply.body?.cancel();
  await model.calls(name)[0]?.closed;
});

test('a stream that a stopping process cuts ends with an error', async (t) => {
  const { model, handler } = await open(t);
  const { script, begun } = hangs();
  const body = JSON.stringify({ model: model.script(script), messages: [], stream: true });
  const headers = { 'content-type': 'application/json' };
  const reply = await handler.fetch(new Request('http://x/v1/chat/completions', { method: 'POST', headers, body }));
  await begun;
  const text = reply.text();
  await handler.drain(0);
  assert.match(await text, /"code":"server_stopping"/);
});

test('a reload holds for what comes next', async (t) => {
  const { named, ask, handler, file, model } = await open(t);
  const name = named();
  assert.equal((await ask(name)).status, 200);
  const models = [{ match: 'scripted-*', backend: 'anthropic', url: model.url }];
  handler.reload(parseConfig({ ...file, models }));
  assert.equal((await ask(name)).status, 422);
});

test('no text of a request or a reply is in the log', async (t) => {
  const lines: string[] = [];
  configureLog('info', (line) => lines.push(line));
  t.after(() => configureLog('error', () => {}));
  const { named, ask } = await open(t);
  const scripts = [
    counted,
    replies(400, { error: { message: 'canary words', param: 'canary' } }),
    replies(200, 'canary'),
  ];
  for (const script of scripts)
    await ask(named('scripted', script), {}, undefined, { input: 'canary', user: 'canary' });
  assert.equal(lines.filter((line) => line.includes('"message":"request"')).length, 3);
  assert.doesNotMatch(lines.join(''), /canary/);
});
