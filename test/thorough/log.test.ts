import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { configureLog, log } from '../../handler/index.ts';
import { testConfig } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { hangs, replies, type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

let model: ScriptedModel;
let handler: Awaited<ReturnType<typeof testHandler>>;
let lines: string[];

before(async () => {
  model = await startScriptedModel();
  handler = await testHandler(model);
});
beforeEach(() => {
  lines = [];
  configureLog('info', (line) => lines.push(line));
});
after(async () => {
  await handler.close();
  await model.close();
});

/** Sends a request, reads its reply, and gives the one line that was logged. */
async function logged(init: RequestInit, path = '/v1/responses') {
  const reply = await handler.fetch(new Request(`http://test${path}`, init));
  const body = await reply.text();
  assert.equal(lines.length, 1, lines.join());
  assert.match(lines[0] ?? '', /^\{[^\n]*\}\n$/);
  return { line: JSON.parse(lines[0] ?? ''), reply, body };
}

function ask(body: object, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', body: JSON.stringify({ input: 'Hi', ...body }), headers: { ...JSON_TYPE, ...headers } };
}

test('a request is one JSON line with its id, model, streaming, status and duration', async () => {
  const name = model.script(says('Hi'));
  const { line, body } = await logged(ask({ model: name }, { 'x-request-id': 'r-1' }));
  assert.partialDeepStrictEqual(line, { request_id: 'r-1', model: name, streaming: false, status: 200 });
  assert.equal(line.level, 'INFO');
  assert.equal(typeof line.duration_ms, 'number');
  assert.equal(line.response_id, JSON.parse(body).id);
});

test('hosted tools that were left out are named in the line', async () => {
  const tools = [{ type: 'web_search_preview' }, { type: 'image_generation' }, { type: 'function', name: 'f' }];
  for (const stream of [false, true]) {
    lines = [];
    const { line } = await logged(ask({ model: model.script(says('Hi')), tools, stream }));
    assert.deepEqual(line.dropped_tools, ['web_search_preview', 'image_generation']);
  }
  lines = [];
  const { line } = await logged(ask({ model: model.script(says('Hi')) }));
  assert.ok(!('dropped_tools' in line));
});

test('a stream is logged when it has ended, under the id that the client got', async () => {
  const { line, reply } = await logged(ask({ model: model.script(says('Hi')), stream: true }));
  assert.partialDeepStrictEqual(line, { streaming: true, status: 200 });
  assert.equal(line.request_id, reply.headers.get('x-request-id'));
});

test("a failure is an error with its cause, and a backend's own words are for the debug level", async () => {
  for (const stream of [false, true]) {
    configureLog('info', (line) => lines.push(line));
    lines = [];
    const failing = () => model.script(replies(503, { error: { type: 'overloaded', message: 'out of memory' } }));
    const name = failing();
    const { line } = await logged(ask({ model: name, stream }));
    assert.partialDeepStrictEqual(line, { model: name, streaming: stream, status: 500, level: 'ERROR' });
    assert.match(line.error, /status 503.*"type":"overloaded"/);
    assert.doesNotMatch(line.error, /out of memory/);

    configureLog('debug', (line) => lines.push(line));
    lines = [];
    await (await handler.fetch(new Request('http://test/v1/responses', ask({ model: failing(), stream })))).text();
    const said = lines.map((line) => JSON.parse(line)).find(({ body }) => body !== undefined);
    assert.partialDeepStrictEqual(said, { status: 503, level: 'DEBUG' });
    assert.match(said.body, /out of memory/);
  }
});

test("a client's fault is no error of ours", async () => {
  const { line } = await logged(ask({ model: 'demo', temperature: 7 }));
  assert.partialDeepStrictEqual(line, { level: 'INFO', status: 422 });
});

test('a request that came through us already, an unknown path and an unreadable body are logged too', async () => {
  const requests: [number, RequestInit, string][] = [
    [500, ask({ model: 'demo' }, { 'x-antiphon-hop': '1' }), '/v1/responses'],
    [404, {}, '/nowhere'],
    [405, { method: 'PUT' }, '/v1/responses'],
    [400, { method: 'POST', body: '{', headers: JSON_TYPE }, '/v1/responses'],
  ];
  for (const [status, init, path] of requests) {
    lines = [];
    assert.equal((await logged(init, path)).line.status, status);
  }
});

test('a client that leaves is logged once', async () => {
  const { script, begun } = hangs();
  const name = model.script(script);
  const reply = await handler.fetch(new Request('http://test/v1/responses', ask({ model: name, stream: true })));
  const reader = reply.body?.getReader();
  await Promise.all([reader?.read(), reader?.read(), reader?.read(), begun]);
  await reader?.cancel();
  assert.equal(lines.length, 1);
  assert.partialDeepStrictEqual(JSON.parse(lines[0] ?? ''), { model: name, streaming: true, status: 499 });
});

test('a client that leaves while it waits for its turn is no error', async (t) => {
  const config = testConfig(model);
  const busy = await testHandler(model, { config: { ...config, limits: { ...config.limits, turns: 1 } } });
  t.after(() => busy.close());
  const { script, begun } = hangs();
  const [first, second] = [new AbortController(), new AbortController()];
  const send = ({ signal }: AbortController) =>
    busy.fetch(new Request('http://test/v1/responses', { ...ask({ model: model.script(script) }), signal }));
  const pending = send(first);
  await begun;
  const waits = send(second);
  await new Promise((resolve) => setTimeout(resolve, 50));
  second.abort();
  await waits;
  assert.partialDeepStrictEqual(JSON.parse(lines[0] ?? ''), { level: 'INFO', status: 499 });
  first.abort();
  await pending;
});

test('so is one that leaves while a conversation is compacted', async () => {
  const { script, begun } = hangs();
  const client = new AbortController();
  const { signal } = client;
  const body = ask({ model: model.script(script) });
  const reply = handler.fetch(new Request('http://test/v1/responses/compact', { ...body, signal }));
  await begun;
  client.abort();
  await reply;
  assert.partialDeepStrictEqual(JSON.parse(lines[0] ?? ''), { level: 'INFO', status: 499 });
});

test('a refusal for want of room is a warning: a crowd of them is not as many faults', async () => {
  configureLog('info', (line) => lines.push(line));
  const { free } = handler.memory;
  handler.memory.add(free);
  const reply = await handler.fetch(new Request('http://test/v1/responses', ask({ model: 'any' })));
  handler.memory.giveBack(free);
  assert.equal(reply.status, 503, await reply.text());
  assert.partialDeepStrictEqual(JSON.parse(lines[0] ?? ''), { level: 'WARN', status: 503 });
});

test('a line is one object of JSON whatever its properties are, and writing it never throws', () => {
  configureLog('info', (line) => lines.push(line));
  const cycle: Record<string, unknown> = {};
  cycle.itself = cycle;
  const fails = () => {
    throw new Error('no properties');
  };
  log.info('a line', { text: '\u009b31m\n\u2028\ud800' });
  log.info('a line', { big: 1n });
  log.info('a line', cycle);
  log.info('a line', fails);
  for (const line of lines) {
    assert.match(line, /^[^\n\u007f-\u009f]*\n$/);
    assert.partialDeepStrictEqual(JSON.parse(line), { level: 'INFO', message: 'a line', logger: 'antiphon' });
  }
  assert.equal(lines.length, 4);
});

test('a credential is removed wherever it stands, after a line break or an escape too', () => {
  configureLog('info', (line) => lines.push(line));
  const key = '0123456789abcdef';
  for (const before of ['', ' ', '"', '\n', '\t', '\r\n', '\u0007', '\u001b[31m', '\u001b[1;31m', '=', '\\'])
    for (const said of [`sk-${key}`, `Bearer ${key}`, `bearer\t${key}`, `Basic\n ${key}`]) {
      log.info('a line', { text: `so${before}${said} then`, nested: JSON.stringify({ text: `${before}${said}` }) });
      const line = lines.pop() ?? '';
      if (before === '' && !said.startsWith('sk')) continue; // in the middle of a word
      const { text, nested } = JSON.parse(line);
      assert.ok(!nested.includes(key), line);
      if (before !== '') assert.ok(!text.includes(key), line);
    }
  log.info('a line', { text: 'a task-0123456789 and a desk-0123456789' });
  assert.match(lines.pop() ?? '', /a task-0123456789 and a desk-0123456789/);
});

test('a level holds those after it only', async () => {
  configureLog('error', (line) => lines.push(line));
  const reply = await handler.fetch(new Request('http://test/health'));
  await reply.text();
  assert.deepEqual(lines, []);
});
