import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Config, parseConfig } from '../handler/index.ts';
import { serveHttp } from '../shim/http.ts';
import { create, stream } from './promises/ask.ts';
import { begin, ended } from './promises/background.ts';
import { callOf } from './promises/mcp-ask.ts';
import { until } from './promises/state-ask.ts';
import { type Door, doorAt, post } from './support/doors/door.ts';
import { testHandler } from './support/doors/in-process.ts';
import { gives, type McpServer } from './support/mcp-server.ts';
import { callsFunctions, type Script, type ScriptedModel, says, startScriptedModel } from './support/model/scripted.ts';
import { freePort } from './support/ports.ts';
import { startSnowyWeb } from './support/web-scene.ts';

// A configuration that changes in the middle of a turn with tools: the turn ends with what it began with, and the next one has the newest.

let model: ScriptedModel;
before(async () => {
  model = await startScriptedModel();
});
after(() => model.close());

const configured = (rest: object): Config =>
  parseConfig({ models: [{ match: '*', backend: 'chat', url: model.url }], ...rest });

async function open(t: TestContext, config: Config) {
  const handler = await testHandler(model, { config });
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch: handler.fetch });
  t.after(async () => {
    await server.close();
    await handler.close();
  });
  return { ...handler, door: doorAt('node-http', `http://127.0.0.1:${server.port}`, model, async () => {}) };
}

/** Something that begins, and goes on when it is let. */
function gate() {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const { promise: opened, resolve: go } = Promise.withResolvers<void>();
  const pass = async () => {
    begin();
    await opened;
  };
  return { begun, go, pass };
}

/** A script that waits at a gate. */
const afterwards =
  (pass: () => Promise<void>, script: Script): Script =>
  async (turn) => {
    await pass();
    await script(turn);
  };

const asJson = (door: Door, body: object) => create(door, body);
const streamed = async (door: Door, body: object) => (await stream(door, body)).final;
const inBackground = async (door: Door, body: object) =>
  ended(door, (await create(door, { ...body, background: true })).id);
const ways = { 'as JSON': asJson, streamed, 'in the background': inBackground };

const outputsIn = ({ output }: { output: readonly object[] }) =>
  output.flatMap((item) => ('output' in item && 'server_label' in item ? [item.output] : []));

const connector = ({ url }: McpServer, credential: string) => ({
  ...{ label: 'crm', url, requireApproval: 'never' },
  headers: { authorization: `Bearer ${credential}` },
});

for (const [way, ask] of Object.entries(ways)) {
  for (const [change, later] of [
    ['has gone', undefined],
    ['is another', 'another'],
    ['has other credentials', 'same'],
  ] as const) {
    test(`${way}: a server of \`mcp\` ${change} while a call runs and between two rounds`, async (t) => {
      const [call, round] = [gate(), gate()];
      const serve = (name: string, pass = async () => {}) =>
        model.mcp.serve([
          {
            name: 'get',
            run: async () => {
              await pass();
              return gives(`from ${name}`);
            },
          },
        ]);
      const [old, other] = [serve('the old one', call.pass), serve('the new one')];
      const newer = later === 'another' ? other : old;
      const { door, reload } = await open(t, configured({ mcp: [connector(old, 'old-credential')] }));
      const calls = (id: string) => callsFunctions(callOf({ label: 'crm' }, { name: 'get', args: {}, id }));
      const tools = [{ type: 'mcp', server_label: 'crm' }];
      const name = model.script(calls('c1'), afterwards(round.pass, calls('c2')), says('Done.'));
      const running = ask(door, { model: name, tools });
      await call.begun;
      reload(configured({ mcp: later ? [connector(newer, 'new-credential')] : [] }));
      call.go();
      await round.begun;
      reload(configured({ mcp: later ? [connector(newer, 'newer-credential')] : [] }));
      round.go();
      const response = await running;
      assert.equal(response.status, 'completed');
      assert.deepEqual(outputsIn(response), ['from the old one', 'from the old one']);
      await until(() => old.sessions.size === 0);
      assert.deepEqual(
        [...new Set(old.requests.map(({ headers }) => headers.authorization))],
        ['Bearer old-credential'],
        'its end too has the credentials of its beginning',
      );
      assert.equal(other.requests.length, 0);
      const next = { model: model.script(calls('c3'), says('Done.')), input: 'Hi', tools };
      if (!later) {
        const refused = await post(door, next);
        assert.equal(refused.status, 422, await refused.clone().text());
        assert.match(await refused.text(), /tools\[0\]\.server_url/);
        return;
      }
      const seen = newer.requests.length;
      assert.deepEqual(outputsIn(await ask(door, next)), [later === 'same' ? 'from the old one' : 'from the new one']);
      await until(() => newer.sessions.size === 0);
      const newest = newer.requests.slice(seen);
      assert.deepEqual(
        [...new Set(newest.map(({ headers }) => headers.authorization))],
        ['Bearer newer-credential'],
        'the list that is kept is not that of other credentials',
      );
    });
  }

  test(`${way}: the provider of web_search changes while a search runs and between two rounds`, async (t) => {
    const [search, round] = [gate(), gate()];
    const [old, other] = [await startSnowyWeb(), await startSnowyWeb()];
    t.after(() => Promise.all([old.close(), other.close()]));
    const by = (web: typeof old) =>
      configured({
        hosted: { web_search: { provider: 'searxng', url: web.origin } },
        egress: { allow: ['127.0.0.1'] },
      });
    const { door, reload } = await open(t, by(old));
    const searches = (id: string) => callsFunctions({ name: 'web_search', args: '{"query":"snow"}', id });
    const opens = callsFunctions({ name: 'open_page', args: '{"page":"1"}', id: 'c3' });
    const tools = [{ type: 'web_search' }];
    old.hold(search.pass);
    const name = model.script(searches('c1'), afterwards(round.pass, searches('c2')), opens, says('Done.'));
    const running = ask(door, { model: name, tools });
    await search.begun;
    reload(by(other));
    search.go();
    await round.begun;
    reload(configured({}));
    round.go();
    const { status, output } = await running;
    assert.equal(status, 'completed');
    assert.deepEqual(
      output.flatMap((item) => (item.type === 'web_search_call' ? [item.status] : [])),
      ['completed', 'completed', 'completed'],
    );
    assert.equal(other.requests().length, 0);
    const next = { model: model.script(searches('c4'), says('Done.')), input: 'Hi', tools };
    reload(by(other));
    const seen = old.requests().length;
    assert.equal((await ask(door, next)).status, 'completed');
    assert.ok(other.requests().length > 0);
    assert.equal(old.requests().length, seen);
  });
}

test('a function of the configuration is called as it was when the turn began', async (t) => {
  const [call, round] = [gate(), gate()];
  const server = model.mcp.serve([]); // what it is asked is looked at, and no more
  const http = (version: string) => ({
    ...{ name: 'work', description: 'Works.', parameters: { type: 'object' }, method: 'POST', offer: 'always' },
    ...{ url: `${server.url}/${version}`, headers: { authorization: `Bearer ${version}-credential` } },
  });
  const { door, reload } = await open(t, configured({ tools: [{ http: http('old') }] }));
  const calls = (id: string) => callsFunctions({ name: 'work', args: '{}', id });
  const name = model.script(afterwards(call.pass, calls('c1')), afterwards(round.pass, calls('c2')), says('Done.'));
  const running = create(door, { model: name });
  await call.begun;
  reload(configured({ tools: [{ http: http('new') }] }));
  call.go();
  await round.begun;
  reload(configured({}));
  round.go();
  assert.equal((await running).status, 'completed');
  assert.deepEqual(
    server.requests.map(({ headers }) => headers.authorization),
    ['Bearer old-credential', 'Bearer old-credential'],
  );
});

test('a program of `mcp` that is another serves those who have begun with it, and all are ended with the server', async (t) => {
  const round = gate();
  const program = fileURLToPath(new URL('support/mcp-program.mjs', import.meta.url));
  const by = (OWN: string) =>
    configured({
      mcp: [{ label: 'own', command: [process.execPath, program], env: { OWN }, requireApproval: 'never' }],
    });
  const handler = await testHandler(model, { config: by('old') });
  t.after(() => handler.close());
  const door = {
    ...doorAt('in-process', 'http://x', model, async () => {}),
    fetch: (path: string, init?: RequestInit) => handler.fetch(new Request(`http://x${path}`, init)),
  };
  const asks = (...names: string[]) =>
    callsFunctions(...names.map((name) => callOf({ label: 'own' }, { name, args: {}, id: name })));
  const tools = [{ type: 'mcp', server_label: 'own' }];
  const name = model.script(asks('pid'), afterwards(round.pass, asks('env', 'pid')), says('Done.'));
  const running = create(door, { model: name, tools });
  await round.begun;
  handler.reload(by('new'));
  const next = await create(door, { model: model.script(asks('env', 'pid'), says('Done.')), tools });
  round.go();
  const [first, env, second] = outputsIn(await running).map(String);
  assert.equal(first, second);
  assert.match(env ?? '', /"OWN":"old"/);
  const [newEnv, other] = outputsIn(next).map(String);
  assert.match(newEnv ?? '', /"OWN":"new"/);
  await handler.close();
  for (const pid of [first, other]) assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' });
});

test('a queued turn has the tools of when it begins: one whose server has gone by then fails, and says which', async (t) => {
  const server = model.mcp.serve([{ name: 'get', run: () => gives('got') }]);
  const limits = { backgroundTurns: 1 };
  const { door, reload } = await open(t, configured({ mcp: [connector(server, 'old-credential')], limits }));
  const round = gate();
  const first = await begin(door, afterwards(round.pass, says('Done.')));
  const tools = [{ type: 'mcp', server_label: 'crm' }];
  const waiting = await begin(door, says('never'), { tools });
  await round.begun;
  reload(configured({ limits }));
  round.go();
  assert.equal((await ended(door, first.id)).status, 'completed');
  const { status, error } = await ended(door, waiting.id);
  assert.equal(status, 'failed');
  assert.match(error?.message ?? '', /tools\[0\]\.server_url/);
  assert.equal(server.requests.length, 0);
});
