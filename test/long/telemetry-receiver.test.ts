import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { says, startScriptedModel } from '../support/model/scripted.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { UNREACHABLE } from '../support/ports.ts';
import { startCommand, writeConfig } from '../support/product.ts';

const TURNS = 5_000;
/** Requests at the same time. */
const CLIENTS = 16;
/** MiB of the heap: little, so that what grows without end would end the process. */
const HEAP = 96;
/** Spans that may wait, and those of one request. */
const [QUEUE, BATCH] = [1_000, 100];

/** Ways in which a receiver does not do its part; `undefined` is none at all. */
const troubles: [string, ((reply: ServerResponse) => void) | undefined][] = [
  ['is not there', undefined],
  ['hangs', () => {}],
  ['has only errors', (reply) => reply.writeHead(500).end('x'.repeat(100_000))],
  ['asks to come again', (reply) => reply.writeHead(503, { 'retry-after': '1' }).end()],
  ['is slow', (reply) => void sleep(2_000).then(() => reply.writeHead(200).end())],
  [
    'never ends its answer',
    (reply) => {
      reply.writeHead(200);
      const more = setInterval(() => reply.write(Buffer.alloc(1_000_000)), 10);
      reply.once('close', () => clearInterval(more));
    },
  ],
  ['cuts', (reply) => reply.destroy()],
];

for (const [trouble, answer] of troubles) {
  test(`a receiver that ${trouble} costs no turn, no memory, and one line of the log a minute`, async (t) => {
    const receiver = await startOtlpReceiver();
    t.after(receiver.close);
    if (answer) receiver.answer(answer);
    const model = await startScriptedModel();
    t.after(model.close);
    const models = [{ match: '*', backend: 'chat', url: model.url }];
    const config = await writeConfig(newFolder(), { models });
    const product = await startCommand(['-no-envoy', '-config', config], {
      OTEL_EXPORTER_OTLP_ENDPOINT: answer ? receiver.url : `http://127.0.0.1:${UNREACHABLE}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      NODE_OPTIONS: `--max-old-space-size=${HEAP}`,
    });
    t.after(() => product.kill('SIGKILL'));
    const headers = { 'content-type': 'application/json' };
    let name = model.script(says('Hello'));
    let left = TURNS;
    const client = async () => {
      while (left-- > 0) {
        // A model of its own for each hundred, as the server of the test keeps and copies the calls of each.
        if (left % 100 === 0) name = model.script(says('Hello'));
        const body = JSON.stringify({ model: name, input: 'Hi', store: false });
        const reply = await fetch(`${product.http}/v1/responses`, { method: 'POST', headers, body });
        assert.equal(reply.status, 200);
        await reply.text();
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    product.kill('SIGTERM');
    assert.equal(await product.exited, 0);
    const lines = product
      .stdout()
      .split('\n')
      .filter((line) => line.includes('telemetry could not be handed over'));
    t.diagnostic(lines.join('\n').slice(0, 600));
    // However long a loaded machine takes. The process measures the minute by another clock than the one that lines have.
    const times = lines.map((line) => Date.parse(JSON.parse(line)['@timestamp']));
    assert.ok(
      times.every((time, index) => index === 0 || time - (times[index - 1] ?? 0) > 59_000),
      `${lines}`,
    );
    assert.doesNotMatch(product.stderr(), /unhandled|Error:/i);
    assert.doesNotMatch(product.stdout(), /"level":"ERROR"/);
  });
}

test('of what comes while a receiver hangs the newest is dropped once the queue is full, and the rest is handed over', async (t) => {
  const receiver = await startOtlpReceiver();
  t.after(receiver.close);
  const hanging: ServerResponse[] = [];
  receiver.answer((reply) => hanging.push(reply));
  const model = await startScriptedModel();
  t.after(model.close);
  const config = await writeConfig(newFolder(), { models: [{ match: '*', backend: 'chat', url: model.url }] });
  const product = await startCommand(['-no-envoy', '-config', config], {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/v1/traces`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
    OTEL_BSP_EXPORT_TIMEOUT: '600000',
    OTEL_BSP_MAX_QUEUE_SIZE: String(QUEUE),
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: String(BATCH),
  });
  t.after(() => product.kill('SIGKILL'));
  const ask = async (name: string) => {
    const body = JSON.stringify({ model: name, input: 'Hi', store: false });
    const headers = { 'content-type': 'application/json' };
    await (await fetch(`${product.http}/v1/responses`, { method: 'POST', headers, body })).text();
  };
  // Each turn is two spans.
  for (let turn = 0; turn < 2 * QUEUE; turn += 100) {
    const name = model.script(says('Hello'));
    await Promise.all(Array.from({ length: 100 }, () => ask(name)));
  }
  assert.equal(receiver.spanCount(), BATCH, 'one batch is on its way');
  receiver.answer((reply) => reply.writeHead(200).end());
  for (const reply of hanging) reply.writeHead(200).end();
  await until(() => receiver.spanCount() >= BATCH + QUEUE);
  product.kill('SIGTERM');
  assert.equal(await product.exited, 0);
  assert.equal(receiver.spanCount(), BATCH + QUEUE);
});
