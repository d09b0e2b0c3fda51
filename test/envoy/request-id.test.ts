import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { startEnvoy } from '../../envoy/run.ts';
import { configureLog, fixedLimits, log } from '../../handler/index.ts';
import { serveHttp } from '../../shim/http.ts';
import { serveGrpc } from '../../shim/server.ts';
import type { Log } from '../../shim/session.ts';
import { until } from '../promises/state-ask.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { hangs, says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { openSocket } from '../support/socket.ts';

const LIMIT = { timeout: 30_000 };

// biome-ignore lint/suspicious/noExplicitAny: tests read log lines without a schema
type Line = any;

/** The product behind an Envoy, and the lines of both logs. */
async function open(t: TestContext, mode: 'streamed' | 'buffered' | 'original') {
  const [ours, envoys]: [Line[], Line[]] = [[], []];
  configureLog('info', (line) => ours.push(JSON.parse(line)));
  const model = await startScriptedModel();
  const handler = await testHandler(model);
  const { fetch } = handler;
  const logLine: Log = (level, message, properties) => log[level](message, properties);
  const limits = { body: 100_000, reply: 1 << 20, time: 10_000 };
  const shim = await serveGrpc({ address: `127.0.0.1:${await freePort()}`, fetch, limits, log: logLine });
  const http = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, log: logLine });
  const envoy = await startEnvoy({
    mode,
    grpcPort: shim.port,
    httpPort: http.port,
    envoyPort: await freePort(),
    accessLog: (line) => envoys.push(JSON.parse(line)),
  });
  t.after(async () => {
    await envoy.stop();
    await shim.close();
    await http.close();
    await handler.close();
    await model.close();
  });
  /** The ids in the next line of each log. */
  const logged = async () => {
    await until(() => ours.length > 0 && envoys.length > 0);
    const both = [ours.shift().request_id, envoys.shift().request_id];
    assert.deepEqual([ours, envoys], [[], []], 'one line each');
    return both;
  };
  return { origin: envoy.origin, model, logged, ours, envoys };
}

const ids = { none: undefined, theirs: 'req-of.the_client:1', odd: 'no good "id"', long: 'x'.repeat(500) };

for (const mode of ['streamed', 'buffered', 'original'] as const) {
  test(`one request id in the reply and in both logs (${mode})`, LIMIT, async (t) => {
    const { origin, model, logged } = await open(t, mode);
    const name = model.script(says('Hello'));
    const asks: [string, string, object | string | undefined][] = [
      ['a reply', '/v1/responses', { model: name, input: 'Hi' }],
      ['a stream', '/v1/responses', { model: name, input: 'Hi', stream: true }],
      ['an error', '/v1/responses', {}],
      ['what the shim refuses', '/v1/responses', 'x'.repeat(200_000)],
      ['a GET', '/v1/models', undefined],
      ['a path with nothing there', '/v1/x', undefined],
    ];
    // The original mode hands over no GET.
    for (const [what, path, body] of mode === 'original' ? asks.slice(0, 4) : asks) {
      for (const [whose, id] of Object.entries(ids)) {
        const headers = { 'content-type': 'application/json', ...(id && { 'x-request-id': id }) };
        const sent = typeof body === 'object' ? JSON.stringify(body) : body;
        const reply = await fetch(origin + path, { headers, ...(sent && { method: 'POST', body: sent }) });
        await reply.text();
        const returned = reply.headers.get('x-request-id');
        assert.ok(returned && (id === undefined || returned === id), `${what}, ${whose}: ${returned}`);
        const known = returned.slice(0, fixedLimits.requestId);
        assert.deepEqual(await logged(), [known, known], `${what}, ${whose}`);
      }
    }
  });
}

test('a WebSocket has Envoy’s id, and each of its requests one of its own', LIMIT, async (t) => {
  const { origin, model, logged, ours } = await open(t, 'streamed');
  const client = { baseURL: `${origin}/v1` };
  const socket = await openSocket({ client } as Parameters<typeof openSocket>[0], { 'x-request-id': 'mine' }); // all it uses
  await socket.create({ model: model.script(says('Hello')) });
  const turn = ours.shift();
  assert.equal(turn?.connection_id, 'mine');
  assert.match(String(turn?.request_id), /^req_/);
  socket.close();
  assert.deepEqual(await logged(), ['mine', 'mine']);
});

for (const mode of ['streamed', 'buffered'] as const) {
  test(
    `who leaves in the middle of an upload, or of a reply, is 499 in our log, with Envoy's id (${mode})`,
    LIMIT,
    async (t) => {
      const { origin, model, ours, envoys, logged } = await open(t, mode);
      const upload = request(`${origin}/v1/responses`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': 1_000, 'x-request-id': 'mine' },
      });
      upload.on('error', () => {});
      upload.write('{"model":');
      await new Promise((resolve) => setTimeout(resolve, 100));
      upload.destroy();
      await until(() => ours.length > 0 && envoys.length > 0);
      assert.partialDeepStrictEqual(ours[0], { level: 'INFO', status: 499 });
      assert.deepEqual(await logged(), ['mine', 'mine']);

      const { script, begun } = hangs();
      const leaving = new AbortController();
      const left = fetch(`${origin}/v1/responses`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-request-id': 'mine' },
        body: JSON.stringify({ model: model.script(script), input: 'Hi' }),
        signal: leaving.signal,
      });
      await begun;
      leaving.abort();
      await assert.rejects(left);
      await until(() => ours.length > 0);
      assert.partialDeepStrictEqual(ours[0], { level: 'INFO', status: 499 });
      assert.deepEqual(await logged(), ['mine', 'mine']);
    },
  );
}
