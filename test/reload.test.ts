import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import OpenAI from 'openai';
import { configureLog, log, parseConfig } from '../handler/index.ts';
import { serveHttp } from '../shim/http.ts';
import { begin, ended } from './promises/background.ts';
import { until } from './promises/state-ask.ts';
import { doorAt } from './support/doors/door.ts';
import { testHandler } from './support/doors/in-process.ts';
import { callsFunctions, type Script, type ScriptedModel, says, startScriptedModel } from './support/model/scripted.ts';
import { freePort } from './support/ports.ts';
import { openSocket } from './support/socket.ts';

let model: ScriptedModel;
before(async () => {
  model = await startScriptedModel();
});
after(() => model.close());

/** A configuration whose models get this key; `rest` are its other keys. */
const keyed = (key: string, rest: object = {}) =>
  parseConfig({ models: [{ match: '*', backend: 'chat', url: model.url, key }], ...rest });

async function open(t: TestContext, config = keyed('old')) {
  const handler = await testHandler(model, { config });
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch: handler.fetch });
  t.after(async () => {
    await server.close();
    await handler.close();
  });
  const door = doorAt('node-http', `http://127.0.0.1:${server.port}`, model, async () => {});
  return { ...handler, door, client: door.client };
}

/** A script, and what its model waits for before it goes on with it. */
function gate(script: Script) {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: opened, resolve: go } = Promise.withResolvers<void>();
  const gated: Script = async (turn) => {
    begin();
    await opened;
    await script(turn);
  };
  return { begun, go, script: gated };
}

const keysOf = (name: string) => model.calls(name).map(({ headers }) => headers.authorization);
const add = callsFunctions({ name: 'add', args: '{"a":2,"b":3}' });

test('a turn keeps the configuration that it began with to its last round, and the next one has the newest', async (t) => {
  const { client, reload } = await open(t);
  const { begun, go, script } = gate(add);
  const name = model.script(script, says('5'));
  const tools = [{ type: 'test_tool' }] as unknown as OpenAI.Responses.Tool[];
  const running = client.responses.create({ model: name, input: 'Sum?', tools });
  await begun;
  reload(keyed('new', { limits: { rounds: 1 } }));
  go();
  assert.equal((await running).status, 'completed', 'one round would not do');
  await client.responses.create({ model: name, input: 'Sum?', tools });
  assert.deepEqual(keysOf(name), ['Bearer old', 'Bearer old', 'Bearer new']);
});

test('a WebSocket stays open: a turn on it keeps its configuration, and the next turn has the newest', async (t) => {
  const { door, reload } = await open(t);
  const socket = await openSocket(door);
  const { begun, go, script } = gate(says('one'));
  const name = model.script(script, says('two'));
  socket.send({ type: 'response.create', model: name, input: 'Hi' });
  socket.send({ type: 'response.create', model: name, input: 'Hi', prompt: { id: 'greeting' } });
  await begun;
  const prompts = [{ id: 'greeting', version: '1', instructions: 'Be new.' }];
  reload(keyed('new', { prompts, errors: 'openai' }));
  go();
  assert.equal((await socket.events()).at(-1)?.type, 'response.completed');
  assert.equal((await socket.events()).at(-1)?.type, 'response.completed', 'it waited, and knows the new prompt');
  assert.deepEqual(keysOf(name), ['Bearer old', 'Bearer new']);
  socket.send({ type: 'response.create', model: name, input: 7 });
  const refused = await socket.next();
  assert.equal(refused.status, 400, 'the new style of errors');
  socket.close();
});

test('a background turn has the configuration of when it is claimed, and keeps it', async (t) => {
  const { door, reload } = await open(t, keyed('old', { limits: { backgroundTurns: 1 } }));
  const { begun, go, script } = gate(add);
  const first = model.script(script, says('5'));
  const [running, waiting] = [
    await begin(door, script, { model: first, tools: [{ type: 'test_tool' }] }),
    await begin(door, says('later')),
  ];
  await begun;
  reload(keyed('new', { limits: { backgroundTurns: 1 } }));
  go();
  await ended(door, running.id);
  await ended(door, waiting.id);
  assert.deepEqual(keysOf(first), ['Bearer old', 'Bearer old']);
  assert.deepEqual(keysOf(waiting.model), ['Bearer new']);
});

test('more background turns run at once as soon as a configuration lets them', async (t) => {
  const { door, reload } = await open(t, keyed('old', { limits: { backgroundTurns: 1 } }));
  const gates = [gate(says('a')), gate(says('b'))];
  const responses = [];
  for (const { script } of gates) responses.push(await begin(door, script));
  await gates[0]?.begun;
  reload(keyed('old', { limits: { backgroundTurns: 2 } }));
  await gates[1]?.begun;
  for (const { go } of gates) go();
  for (const { id } of responses) assert.equal((await ended(door, id)).status, 'completed');
});

test('a configuration whose models will not open changes nothing, and says which it is', async (t) => {
  const { client, reload } = await open(t);
  const bad = parseConfig({
    models: [
      { match: '*', backend: 'chat', url: model.url, key: 'new' },
      { match: 'x', backend: 'nowhere' },
    ],
    limits: { turns: 1, inFlight: '1MiB' },
  });
  assert.throws(() => reload(bad), /models\.1\.backend must be/);
  const name = model.script(says('a'));
  await Promise.all(Array.from({ length: 3 }, () => client.responses.create({ model: name, input: 'Hi' })));
  assert.deepEqual(new Set(keysOf(name)), new Set(['Bearer old']));
});

test('what was learned of a server outlives a reload that leaves its URL and key as they are', async (t) => {
  const { client, reload } = await open(t);
  const refuses: Script = (turn) =>
    turn.reply(400, {
      error: { message: 'Unknown parameter: stream_options', param: 'stream_options', type: 'invalid_request_error' },
    });
  const name = model.script(refuses, says('a'));
  const ask = () => client.responses.create({ model: name, input: 'Hi' });
  await ask();
  assert.equal(model.calls(name).length, 2, 'it was sent once more without');
  reload(keyed('old', { retention: '1d' }));
  await ask();
  assert.equal(model.calls(name).length, 3);
  assert.equal('stream_options' in (model.calls(name)[2]?.body ?? {}), false);
});

test('webhooks: what waits is signed by the new secret, and a URL that is gone is not called any more', async (t) => {
  const hooks = (secret: string) => ({ webhooks: [{ url: model.hooksUrl, secret }] });
  const { door, reload, deliver } = await open(t, keyed('old', hooks('the old secret of hooks')));
  const seen = model.hooks.length;
  model.answerHooks(500);
  const { id } = await begin(door, says('a'));
  await ended(door, id);
  await until(async () => model.hooks.length === seen + 1);
  reload(keyed('old', hooks('the new secret of hooks')));
  await until(async () => {
    await deliver();
    return model.hooks.length === seen + 2;
  });
  const verified = async (secret: string, at: number) => {
    const { headers, body } = model.hooks[at] ?? assert.fail();
    const webhooks = new OpenAI({ apiKey: 'unused', webhookSecret: `whsec_${btoa(secret)}` }).webhooks;
    return webhooks.verifySignature(body, headers as Record<string, string>).then(
      () => true,
      () => false,
    );
  };
  assert.equal(await verified('the old secret of hooks', seen), true);
  assert.equal(await verified('the new secret of hooks', seen + 1), true);
  reload(keyed('old'));
  const later = await begin(door, says('a'));
  await ended(door, later.id);
  assert.equal(await deliver(), undefined);
  assert.equal(model.hooks.length, seen + 2);
});

test('the log shows neither the secrets of the newest configuration nor those of earlier ones, for as many as may still be in use', async () => {
  const lines: string[] = [];
  configureLog('debug', (line) => lines.push(line));
  const { reload, close } = await testHandler(model, { config: keyed('the-key-0') });
  for (let n = 1; n <= 300; n++) reload(keyed(`the-key-${n}`));
  log.info('keys', { keys: ['the-key-300', 'the-key-299', 'the-key-101', 'the-key-2'] });
  const [line] = lines;
  assert.doesNotMatch(line ?? '', /the-key-(300|299|101)"/);
  assert.match(line ?? '', /the-key-2/, 'what nothing uses any more is forgotten: the pattern must not grow for ever');
  configureLog('error', () => {});
  await close();
});

test('what was sealed can be opened as long as its secret is configured, and the database’s own always', async (t) => {
  const [first, second] = ['k1', 'k2'].map((id) => ({ id, key: `the key ${id} of at least thirty-two bytes` }));
  const { client, reload } = await open(t, keyed('old'));
  const name = model.script(says('A summary.'));
  const compacted = async () => {
    const { output } = await client.responses.compact({
      model: name,
      input: [{ role: 'user', content: 'Remember 7.' }],
    });
    const item = output.find(({ type }) => type === 'compaction');
    return item as OpenAI.Responses.ResponseInputItem;
  };
  const opens = (item: OpenAI.Responses.ResponseInputItem) =>
    client.responses.create({ model: name, input: [item, { role: 'user', content: 'Hi' }], store: false }).then(
      ({ status }) => status === 'completed',
      () => false,
    );
  const ofDatabase = await compacted();
  reload(keyed('old', { secrets: [first] }));
  const ofFirst = await compacted();
  assert.deepEqual([await opens(ofDatabase), await opens(ofFirst)], [true, true]);
  reload(keyed('old', { secrets: [second, first] }));
  const ofSecond = await compacted();
  assert.deepEqual([await opens(ofDatabase), await opens(ofFirst), await opens(ofSecond)], [true, true, true]);
  reload(keyed('old', { secrets: [second] }));
  assert.deepEqual([await opens(ofDatabase), await opens(ofFirst), await opens(ofSecond)], [true, false, true]);
});
