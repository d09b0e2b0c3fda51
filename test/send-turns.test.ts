// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how a configuration names what rules send on

import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { type Caller, parseConfig } from '../handler/index.ts';
import { serveHttp } from '../shim/http.ts';
import { showConfig } from '../shim/show-config.ts';
import { ended } from './promises/background.ts';
import { doorAt, post } from './support/doors/door.ts';
import { testHandler } from './support/doors/in-process.ts';
import { callsFunctions, replies, type ScriptedModel, says, startScriptedModel } from './support/model/scripted.ts';
import { freePort, UNREACHABLE } from './support/ports.ts';
import { openSocket } from './support/socket.ts';

let model: ScriptedModel;
before(async () => {
  model = await startScriptedModel();
});
after(() => model.close());

const configOf = (send: object) =>
  parseConfig({ models: [{ match: '*', backend: 'chat', url: model.url, key: 'k', context: 4_096, send }] });

async function open(t: TestContext, send: object, caller?: Caller) {
  const handler = await testHandler(model, {
    config: configOf(send),
    ...(caller && { identify: () => caller }),
  });
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch: handler.fetch });
  t.after(async () => {
    await server.close();
    await handler.close();
  });
  const door = doorAt('node-http', `http://127.0.0.1:${server.port}`, model, async () => {});
  return { ...handler, door };
}

const identity = { 'metadata.who': '${tenant}/${user}/${project}/${key}' };
const whole: Caller = { id: 'x', tenant: 'acme', user: 'jane\r\n', project: 'p', key: 'k1' };

test('who has sent a request is sent on in every round of a turn, in the foreground and in the background', async (t) => {
  const { door } = await open(t, { set: identity, headers: { set: { 'x-user': '${user}' } } }, whole);
  const tools = [{ type: 'test_tool' }];
  for (const background of [false, true]) {
    const name = model.script(callsFunctions({ name: 'add', args: '{"a":2,"b":3}' }), says('5'));
    const reply = await post(door, { model: name, input: 'Sum?', tools, background });
    await ended(door, JSON.parse(await reply.text()).id);
    const calls = model.calls(name);
    assert.equal(calls.length, 2);
    for (const { body, headers } of calls) {
      assert.deepEqual(body.metadata, { who: 'acme/jane\r\n/p/k1' });
      assert.equal(headers['x-user'], 'jane%0D%0A');
    }
  }
});

test('a caller of whom only the user is known is the same in the background', async (t) => {
  const { door } = await open(t, { set: { user: '${user}', 'metadata.key': '${key}' } }, { id: 'x', user: 'jane' });
  const name = model.script(says('ok'));
  const reply = await post(door, { model: name, input: 'Hi', background: true });
  await ended(door, JSON.parse(await reply.text()).id);
  const { user, metadata } = model.calls(name)[0]?.body ?? {};
  assert.deepEqual([user, metadata], ['jane', undefined]);
});

test('a call that is made shorter, and a summary, have what is set', async (t) => {
  const { door } = await open(t, { set: { 'metadata.team': '${header:x-team}' } });
  const init = { headers: { 'x-team': 'blue' } };
  const overflow = replies(400, { error: { code: 'context_length_exceeded', message: 'at most 600 tokens' } });
  const name = model.script(overflow, says('ok'));
  const input = Array.from({ length: 12 }, (_, n) => ({ role: 'user', content: `${n} ${'word '.repeat(100)}` }));
  assert.equal((await post(door, { model: name, input, truncation: 'auto' }, init)).status, 200);
  const summary = model.script(says('It was about words.'));
  const compacted = await door.fetch('/v1/responses/compact', {
    method: 'POST',
    body: JSON.stringify({ model: summary, input }),
    headers: { 'content-type': 'application/json', ...init.headers },
  });
  assert.equal(compacted.status, 200);
  const sent = [...model.calls(name), ...model.calls(summary)].map(({ body }) => body.metadata);
  assert.deepEqual(sent, [{ team: 'blue' }, { team: 'blue' }, { team: 'blue' }]);
});

test('a call that another server is asked for has what is set, each time by the rules of that server', async (t) => {
  const down = { url: `http://127.0.0.1:${UNREACHABLE}/v1` };
  const other = { url: model.url, send: { set: { 'metadata.of': 'second ${header:x-team}' } } };
  const entry = { match: '*', backend: 'chat', to: [down, other], send: { set: { 'metadata.of': 'first' } } };
  const handler = await testHandler(model, { config: parseConfig({ models: [entry] }) });
  t.after(() => handler.close());
  for (let n = 0; n < 4; n++) {
    const name = model.script(says('ok'));
    const headers = { 'content-type': 'application/json', 'x-team': 'blue' };
    const body = JSON.stringify({ model: name, input: `Hi ${n}` });
    const reply = await handler.fetch(new Request('http://x/v1/responses', { method: 'POST', body, headers }));
    assert.equal(reply.status, 200);
    assert.deepEqual(model.calls(name)[0]?.body.metadata, { of: 'second blue' });
  }
});

test('rules that are reloaded hold for the next turn of a WebSocket, with headers that no rule had asked for', async (t) => {
  const { door, reload } = await open(t, {});
  const socket = await openSocket(door, { 'x-team': 'blue' });
  const turn = async () => {
    const name = model.script(says('ok'));
    await socket.create({ type: 'response.create', model: name, input: 'Hi' });
    return model.calls(name)[0]?.headers['x-team'];
  };
  assert.equal(await turn(), undefined);
  reload(configOf({ headers: { set: { 'x-team': 'team ${header:x-team}' } } }));
  assert.equal(await turn(), 'team blue');
  socket.close();
});

test('rules of headers hold for the list of models too, as far as they need no request', async (t) => {
  const seen: (string | undefined)[] = [];
  const headers = { set: { 'x-gateway': 'g', 'x-team': '${header:x-team}' }, remove: ['accept'] };
  const handler = await testHandler(model, { config: configOf({ headers }) });
  t.after(() => handler.close());
  const { openModels } = await import('../handler/open-models.ts');
  const { routes } = openModels({ ...configOf({ headers }), errorDetail: false }, async (_, init) => {
    seen.push(init.headers['x-gateway'], init.headers['x-team'], init.headers.accept, init.headers.authorization);
    throw new Error('no more is needed');
  });
  await assert.rejects(routes[0]?.servers[0]?.backend.models(AbortSignal.timeout(1_000)) ?? Promise.resolve());
  assert.deepEqual(seen, ['g', undefined, undefined, 'Bearer k']);
});

test('/config shows what headers refer to, and no more of them', async () => {
  const { models = [], ...config } = configOf({
    headers: { set: { 'x-gateway': 'hush-hush', 'x-team': 'of ${header:x-team}' }, add: { 'x-a': 'hush-more' } },
  });
  const shown = JSON.parse(await showConfig({ models, ...config }, models).text());
  assert.deepEqual(shown.models[0].send.headers, {
    set: { 'x-gateway': '[redacted]', 'x-team': '${header:x-team}' },
    add: { 'x-a': '[redacted]' },
  });
});
