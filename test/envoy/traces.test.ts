import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { launch } from '../../envoy/child.ts';
import { configFor } from '../../envoy/config.ts';
import { findEnvoy } from '../../envoy/find.ts';
import { accepts } from '../../envoy/ports.ts';
import type { Tool } from '../../handler/index.ts';
import { startProduct } from '../../shim/product.ts';
import { until } from '../promises/state-ask.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { callsFunctions, type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { freePort } from '../support/ports.ts';
import { testTool } from '../support/test-tool.ts';

/** What a client that is traced sends. */
const CLIENT = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' };

let receiver: OtlpReceiver;
let model: ScriptedModel;
let origin: string;
/** The `traceparent` that calls of the tool were given, in order. */
const toldTool: (string | undefined)[] = [];
const closers: (() => Promise<void>)[] = [];

/** A tool of the root, whose functions note where in a trace they are. */
const tracedTool: Tool = {
  ...testTool,
  parse: (entry, param) => testTool.parse(entry, param),
  async *open(_, signal, context) {
    const opened = yield* testTool.open({ label: 'traced', shows: false, named: false }, signal, context);
    return {
      ...opened,
      functions: opened.functions.map((fn) => ({
        ...fn,
        run(call, signal, context) {
          toldTool.push(context?.trace?.traceparent);
          return fn.run(call, signal, context);
        },
      })),
    };
  },
};

/** Envoy as shipped, with the tracer that docs/telemetry.md has. */
async function startTracingEnvoy(grpcPort: number): Promise<string> {
  const { path, version } = await findEnvoy();
  const envoyPort = await freePort();
  const docs = await readFile(new URL('../../docs/telemetry.md', import.meta.url), 'utf8');
  const block = /```yaml\n(tracing:[\s\S]*?)```/.exec(docs)?.[1] ?? '';
  const config = JSON.parse(await configFor('streamed', { host: '127.0.0.1', envoyPort, grpcPort }, version));
  const { listeners, clusters } = config.static_resources;
  Object.assign(
    listeners[0].filter_chains[0].filters[0].typed_config,
    parse(block.replace(':4318', `:${receiver.port}`)),
  );
  const address = { socket_address: { address: '127.0.0.1', port_value: receiver.port } };
  const load_assignment = { cluster_name: 'otlp', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] };
  clusters.push({ name: 'otlp', type: 'STATIC', load_assignment });
  const static_layer = { 'tracing.opentelemetry.flush_interval_ms': 50, 'tracing.opentelemetry.min_flush_spans': 1 };
  config.layered_runtime = { layers: [{ name: 'static', static_layer }] };
  const envoy = launch(path, [
    '--config-yaml',
    JSON.stringify(config),
    '--disable-hot-restart',
    '--log-level',
    'error',
  ]);
  closers.push(envoy.stop);
  const ended = envoy.exited.then(() => assert.fail(envoy.lastLogLine()));
  ended.catch(() => {}); // it is stopped in the end
  while (!(await accepts('127.0.0.1', envoyPort))) await Promise.race([sleep(20), ended]);
  return `http://127.0.0.1:${envoyPort}`;
}

before(async () => {
  receiver = await startOtlpReceiver();
  model = await startScriptedModel();
  Object.assign(process.env, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '50' });
  const port = await freePort();
  const product = await startProduct({
    flags: { port, httpPort: await freePort(), adminPort: await freePort(), noEnvoy: true },
    // Batches have no spans, however slow a busy machine makes them.
    config: { ...testConfigFile(model), database: 'sqlite::memory:', telemetry: { slowBatch: '1h' } },
    tools: [tracedTool],
  });
  closers.push(product.stop, model.close, receiver.close);
  origin = await startTracingEnvoy(port);
});

after(async () => {
  await closers.pop()?.(); // Envoy
  for (const close of closers) await close();
});

/** A turn of two calls of the model, with one of the tool between. */
function twoRounds(): string {
  return model.script(callsFunctions({ name: 'add', args: '{"a":2,"b":3}', id: 'c1' }), says('5'));
}

async function ask(body: object, headers = {}): Promise<string> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } };
  const reply = await fetch(`${origin}/v1/responses`, {
    ...init,
    body: JSON.stringify({ input: 'Hi', tools: [{ type: 'test_tool' }], ...body }),
  });
  assert.equal(reply.status, 200);
  return reply.text();
}

/** The trace that calls of a model were given, and the spans that they were told to be below. */
function toldModel(name: string): { trace: string; spans: string[] } {
  const parts = model.calls(name).map(({ headers }) => /^00-(\w{32})-(\w{16})-01$/.exec(String(headers.traceparent)));
  const traces = new Set(parts.map((part) => part?.[1]));
  assert.equal(traces.size, 1, 'one trace');
  return { trace: [...traces][0] ?? '', spans: parts.map((part) => part?.[2] ?? '') };
}

/** The spans of a trace by their names, once as many have come as there are names. */
async function received(trace: string, names: readonly string[]): Promise<ReceivedSpan[]> {
  const expected = [...names].sort();
  const found = () => receiver.spansOf(trace);
  await until(() => found().length >= expected.length);
  assert.deepEqual(
    found()
      .map(({ name }) => name)
      .sort(),
    expected,
  );
  return names.map((wanted, index) => {
    const nth = names.slice(0, index).filter((name) => name === wanted).length;
    const span = found().filter(({ name }) => name === wanted)[nth];
    assert.ok(span);
    return span;
  });
}

const EGRESS = 'async envoy.service.ext_proc.v3.ExternalProcessor.Process egress';
const REQUEST = 'POST /v1/responses';
const traceparent = `00-${CLIENT.trace}-${CLIENT.span}-01`;

for (const stream of [false, true]) {
  for (const isTraced of [false, true]) {
    const title = `${stream ? 'a stream' : 'JSON'}, ${isTraced ? 'from a client that is traced' : "with Envoy's span as the root"}`;
    test(`a request is one trace, from Envoy to models and tools: ${title}`, async () => {
      const name = twoRounds();
      const trace = CLIENT.trace.replace('0af7', stream ? '0af8' : '0af9');
      const headers = isTraced ? { traceparent: traceparent.replace(CLIENT.trace, trace) } : {};
      await ask({ model: name, stream }, headers);
      const told = toldModel(name);
      if (isTraced) assert.equal(told.trace, trace);
      const call = `chat ${name}`;
      const spans = await received(told.trace, ['ingress', EGRESS, REQUEST, call, call, 'execute_tool add']);
      const [ingress, egress, request, first, second, tool] = spans;
      assert.ok(ingress && egress && request && first && second && tool);
      assert.equal(ingress.parent, isTraced ? CLIENT.span : '');
      assert.equal(egress.parent, ingress.id);
      assert.equal(request.parent, egress.id);
      for (const span of [first, second, tool]) assert.equal(span.parent, request.id, span.name);
      assert.deepEqual(told.spans.sort(), [first.id, second.id].sort());
      assert.equal(toldTool.pop(), `00-${told.trace}-${tool.id}-01`);
      const services = spans.map(({ service }) => service);
      assert.deepEqual(services, ['envoy', 'envoy', 'antiphon', 'antiphon', 'antiphon', 'antiphon']);
    });
  }
}

test('a background turn and its webhook stay in the trace that Envoy began', async () => {
  const name = twoRounds();
  const hooks = model.hooks.length;
  await ask({ model: name, background: true });
  await until(() => model.hooks.length > hooks);
  const told = toldModel(name);
  const call = `chat ${name}`;
  const names = ['ingress', EGRESS, REQUEST, 'background turn', call, call, 'execute_tool add', 'POST webhook'];
  const [ingress, egress, request, turn, first, second, tool, hook] = await received(told.trace, names);
  assert.ok(ingress && egress && request && turn && first && second && tool && hook);
  assert.equal(ingress.parent, '');
  assert.equal(egress.parent, ingress.id);
  assert.equal(request.parent, egress.id);
  assert.equal(turn.parent, request.id);
  for (const span of [first, second, tool]) assert.equal(span.parent, turn.id, span.name);
  assert.deepEqual(told.spans.sort(), [first.id, second.id].sort());
  assert.equal(hook.parent, request.id);
  assert.equal(model.hooks.at(-1)?.headers.traceparent, `00-${told.trace}-${hook.id}-01`);
});

test('a client that is not sampled is not told of, and its trace goes on so', async () => {
  const name = twoRounds();
  const trace = CLIENT.trace.replace('0af7', '0af6');
  await ask({ model: name }, { traceparent: `00-${trace}-${CLIENT.span}-00` });
  for (const { headers } of model.calls(name))
    assert.match(String(headers.traceparent), new RegExp(`^00-${trace}-\\w{16}-00$`));
  // Whatever is sent of it has been sent when a later request's spans have come.
  const after = twoRounds();
  await ask({ model: after });
  const told = toldModel(after);
  await until(() => receiver.spansOf(told.trace).length === 6);
  assert.deepEqual(receiver.spansOf(trace), []);
});
