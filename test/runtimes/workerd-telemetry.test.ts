import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import { until } from '../promises/state-ask.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { startOwnWorker } from '../support/doors/own-worker.ts';
import { type Script, type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { withSocket } from '../support/socket.ts';

// A Worker with telemetry, on a real workerd, before a real receiver of OTLP.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const worker = `
import { openOtlp } from '${ROOT}exports/telemetry.ts';
import { openMcp } from '${ROOT}exports/mcp.ts';
import { createWorker } from '${ROOT}exports/worker.ts';

const { worker, BackgroundTurn } = createWorker({ openTools: [openMcp], telemetry: openOtlp });

export default {
  ...worker,
  async fetch(request, bindings, context) {
    if (new URL(request.url).pathname !== '/scheduled') return worker.fetch(request, bindings, context);
    await worker.scheduled({}, bindings, context);
    return new Response();
  },
};
export { BackgroundTurn };`;

const PARENT = 'b7ad6b7169203331';
const REQUEST = 'POST /v1/responses';

let receiver: OtlpReceiver;
let model: ScriptedModel;
let origin: string;
const closers: (() => Promise<void>)[] = [];

before(async () => {
  receiver = await startOtlpReceiver();
  model = await startScriptedModel();
  closers.push(model.close, receiver.close);
  const started = await startOwnWorker('telemetry', {
    source: worker,
    vars: {
      // Batches have no spans, however slow a busy machine makes them.
      ANTIPHON_CONFIG: JSON.stringify({
        ...testConfigFile(model, []),
        auth: 'none',
        telemetry: { slowBatch: '1h' },
      }),
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-token=a%20b',
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip',
      OTEL_METRIC_EXPORT_INTERVAL: '50',
      OTEL_SERVICE_NAME: 'edge',
    },
  });
  closers.unshift(() => started.dispose());
  ({ origin } = await started.url);
});

after(async () => {
  for (const close of closers) await close();
});

let traces = 0;

/** The `traceparent` of a client whose trace nobody else has. */
function newTrace(flags = '01'): { trace: string; headers: Record<string, string> } {
  const trace = (++traces).toString(16).padStart(32, 'a');
  return { trace, headers: { 'content-type': 'application/json', traceparent: `00-${trace}-${PARENT}-${flags}` } };
}

let turnCount = 0;

/** A model for one turn. */
function modelOfTurn(script: Script): string {
  turnCount++;
  return model.script(script);
}

function ask(body: object, headers: Record<string, string>): Promise<Response> {
  return fetch(`${origin}/v1/responses`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ model: modelOfTurn(says('Hello')), input: 'Hi', ...body }),
  });
}

/** The spans of a trace by the first words of their names, once all have come; fails if others have. */
async function received(trace: string, names: readonly string[]): Promise<ReceivedSpan[]> {
  const found = () => receiver.spansOf(trace);
  await until(() => found().length >= names.length);
  assert.equal(found().length, names.length, `${found().map(({ name }) => name)}`);
  return names.map((wanted) => found().find(({ name }) => name.startsWith(wanted)) ?? assert.fail(wanted));
}

for (const stream of [false, true]) {
  test(`a request and its model call are one trace, ${stream ? 'of a stream' : 'of JSON'}`, async () => {
    const { trace, headers } = newTrace();
    const begun = Date.now();
    const reply = await ask({ stream }, headers);
    assert.equal(reply.status, 200);
    await reply.text();
    const [request, call] = await received(trace, [REQUEST, 'chat']);
    assert.ok(request && call);
    assert.equal(request.parent, PARENT);
    assert.equal(call.parent, request.id);
    assert.equal(call.name.startsWith('chat scripted-'), true);
    for (const { service, start, end } of [request, call]) {
      assert.equal(service, 'edge');
      assert.ok(begun - 60_000 < start && start <= end && end < Date.now() + 60_000, `${start} to ${end}`);
    }
    const sent = model.calls(call.name.slice('chat '.length))[0]?.headers.traceparent;
    assert.equal(sent, `00-${trace}-${call.id}-01`);
    const post = receiver.posts.find(({ path }) => path === '/v1/traces');
    assert.deepEqual(
      [post?.type, post?.headers['content-encoding'], post?.headers['x-token']],
      ['application/x-protobuf', 'gzip', 'a b'],
    );
  });
}

test('a client that leaves in the middle is told of', async () => {
  const { trace, headers } = newTrace();
  const leaving = new AbortController();
  const name = modelOfTurn(async (turn) => {
    await turn.text('Hel');
    await turn.closed;
  });
  const body = JSON.stringify({ model: name, input: 'Hi', stream: true });
  const reply = await fetch(`${origin}/v1/responses`, { method: 'POST', headers, body, signal: leaving.signal });
  await reply.body?.getReader().read();
  leaving.abort();
  const [request, call] = await received(trace, [REQUEST, 'chat']);
  assert.equal(call?.parent, request?.id);
});

test('a background turn in its Durable Object, and its webhook, stay in the trace of the request', async () => {
  const { trace, headers } = newTrace();
  const reply = await ask({ background: true }, headers);
  assert.equal(reply.status, 200);
  await reply.text();
  const names = [REQUEST, 'background turn', 'chat', 'POST webhook'];
  const [request, turn, call, hook] = await received(trace, names);
  assert.equal(turn?.parent, request?.id);
  assert.equal(call?.parent, turn?.id);
  assert.equal(hook?.parent, request?.id);
});

test('each turn of a WebSocket is told of when it ends, and the connection when it does', async () => {
  const { trace } = newTrace();
  const metadata = { ws_request_header_traceparent: `00-${trace}-${PARENT}-01` };
  const before = receiver.spanCount();
  await withSocket({ client: new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'x' }) }, async (socket) => {
    for (let turn = 1; turn <= 2; turn++) {
      await socket.create({ model: modelOfTurn(says('Hello')), client_metadata: metadata });
      await until(() => receiver.spansOf(trace).length === 2 * turn);
    }
    assert.equal(receiver.spanCount(), before + 4);
  });
  await until(() => receiver.spanCount() === before + 5);
});

test('what is not sampled is not sent', async () => {
  const { trace, headers } = newTrace('00');
  await (await ask({}, headers)).text();
  const later = newTrace();
  await (await ask({}, later.headers)).text();
  await received(later.trace, [REQUEST, 'chat']);
  assert.deepEqual(receiver.spansOf(trace), []);
});

test('metrics are pushed at the ends of requests, and none is missing once there are no more', async () => {
  const turns = 'gen_ai.server.request.duration';
  await (await ask({}, newTrace('00').headers)).text();
  await until(() => receiver.sumOf('antiphon.ready') === 1 && receiver.sumOf(turns) === turnCount);
  const replies = await Promise.all(Array.from({ length: 10 }, () => ask({}, newTrace('00').headers)));
  for (const reply of replies) await reply.text();
  await until(() => receiver.sumOf(turns) === turnCount);
});

test('what is done on a schedule is told too', async () => {
  const batches = 'db.client.operation.duration';
  const told = receiver.sumOf(batches) ?? 0;
  assert.equal((await fetch(`${origin}/scheduled`)).status, 200);
  await until(() => (receiver.sumOf(batches) ?? 0) > told);
});

test('a receiver that fails, or never answers, costs no request anything but its spans', async () => {
  for (const how of [(reply: { writeHead(status: number): { end(): void } }) => reply.writeHead(500).end(), () => {}]) {
    receiver.answer(how);
    const reply = await ask({}, newTrace().headers);
    assert.equal(reply.status, 200);
    await reply.text();
  }
  receiver.answer((reply) => reply.writeHead(200).end());
  const { trace, headers } = newTrace();
  await (await ask({}, headers)).text();
  await received(trace, [REQUEST, 'chat']);
});
