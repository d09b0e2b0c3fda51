import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { parseConfig } from '../../handler/index.ts';
import { serveHttp } from '../../shim/http.ts';
import { refuses } from '../promises/ask.ts';
import { type Door, doorAt, post, testConfigFile } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { type Script, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';

/** The product on plain HTTP. A header names the caller, which only tests may do. */
async function open(t: TestContext, limits: object) {
  const model = await startScriptedModel();
  const config = parseConfig({ ...testConfigFile(model), limits });
  const handler = await testHandler(model, {
    config,
    identify: (request) => ({ id: request.headers.get('x-caller') ?? '' }),
  });
  const { fetch, memory } = handler;
  const { connections } = config.limits.perCaller;
  const port = await freePort();
  const server = await serveHttp({ host: '127.0.0.1', port, fetch, memory, connections, log: () => {} });
  const door = doorAt('node-http', `http://127.0.0.1:${server.port}`, model, server.close);
  t.after(async () => {
    await door.close();
    await handler.close();
  });
  return { door, memory, port, fetch };
}

/** A model whose turns wait in the order in which they began, until `endFirst` ends them one by one. */
function queuedTurns(door: Door) {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const script: Script = async (turn) => {
    begun.push(turn.body.messages.at(-1).content);
    await new Promise<void>((resolve) => ends.push(resolve));
    await turn.text('ok');
    await turn.finish();
  };
  const model = door.model.script(script);
  const until = async (count: number) => {
    while (begun.length < count) await sleep(5);
  };
  return { model, begun, until, endFirst: () => ends.shift()?.() };
}

const as = (caller: string): RequestInit => ({ headers: { 'x-caller': caller } });

const LIMIT = { timeout: 30_000 };

test('one caller has all places, and another waits for one turn to end', LIMIT, async (t) => {
  const { door, memory } = await open(t, { turns: 3 });
  const { model, begun, until, endFirst } = queuedTurns(door);
  const ask = (caller: string, n: number) => post(door, { model, input: `${caller}${n}` }, as(caller));
  const replies = [];
  for (let n = 0; n < 5; n++) replies.push(ask('a', n));
  await until(3);
  replies.push(ask('b', 0));
  await sleep(100); // it waits by now, behind the others
  endFirst();
  await until(4);
  assert.equal(begun[3], 'b0');
  while (begun.length < 6) {
    endFirst();
    await sleep(5);
  }
  for (let n = 0; n < 6; n++) endFirst();
  for (const reply of await Promise.all(replies)) {
    await reply.text();
    assert.equal(reply.status, 200);
  }
  while (memory.taken > 0) await sleep(5);
});

test('the places of the background are shared as well', LIMIT, async (t) => {
  const { door } = await open(t, { backgroundTurns: 1 });
  const { model, begun, until, endFirst } = queuedTurns(door);
  const ask = async (caller: string, n: number) => {
    const reply = await post(door, { model, input: `${caller}${n}`, background: true }, as(caller));
    await reply.text();
    assert.equal(reply.status, 200);
  };
  for (let n = 0; n < 4; n++) await ask('a', n);
  await until(1);
  await ask('b', 0);
  endFirst();
  await until(2);
  assert.deepEqual(begun, ['a0', 'b0']);
  for (let n = 2; n <= 5; n++) {
    endFirst();
    await until(Math.min(n + 1, 5));
  }
  assert.deepEqual(begun.slice(2), ['a1', 'a2', 'a3']);
});

test('past its own limits a caller is refused, and others are served', LIMIT, async (t) => {
  const { door } = await open(t, { perCaller: { turns: 1, backgroundTurns: 1 } });
  const { model, until, endFirst } = queuedTurns(door);
  const limited = { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' };
  const first = post(door, { model, input: 'a0' }, as('a'));
  await until(1);
  const second = await post(door, { model, input: 'a1' }, as('a'));
  assert.deepEqual([second.headers.get('retry-after'), second.headers.get('x-should-retry')], ['1', 'true']);
  await refuses(second, limited);
  const other = post(door, { model, input: 'b0' }, as('b'));
  await until(2);
  const background = { model, input: 'a2', background: true };
  assert.equal((await post(door, background, as('a'))).status, 200);
  await refuses(await post(door, background, as('a')), limited);
  await until(3);
  for (let n = 0; n < 3; n++) endFirst();
  assert.deepEqual([(await first).status, (await other).status], [200, 200]);
  const again = post(door, { model, input: 'a3' }, as('a'));
  await until(4);
  endFirst();
  assert.equal((await again).status, 200);
});

test('background turns that are asked for at once are counted as well', LIMIT, async (t) => {
  const { door, fetch } = await open(t, { perCaller: { backgroundTurns: 2 } });
  const { model, until, endFirst } = queuedTurns(door);
  const body = JSON.stringify({ model, input: 'a', background: true });
  const headers = { 'content-type': 'application/json' };
  // Straight into the handler: over a network they come one after another.
  const ask = () => fetch(new Request('http://test/v1/responses', { method: 'POST', headers, body }));
  const statuses = (await Promise.all(Array.from({ length: 8 }, ask))).map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 2, statuses.join());
  await until(2);
  endFirst();
  endFirst();
});

test('so it is with WebSockets, and with connections', LIMIT, async (t) => {
  const { port } = await open(t, { perCaller: { sockets: 1, connections: 3 } });
  const dial = (caller: string) =>
    new WebSocket(`ws://127.0.0.1:${port}/v1/responses`, { headers: { 'x-caller': caller } });
  const first = dial('a');
  await once(first, 'open');
  const [, refused] = (await once(
    dial('a').on('error', () => {}),
    'unexpected-response',
  )) as [object, IncomingMessage];
  const { error } = JSON.parse((await buffer(refused)).toString());
  assert.deepEqual([refused.statusCode, error.code], [429, 'rate_limit_exceeded']);
  const other = dial('b');
  await once(other, 'open');
  first.close();
  await once(first, 'close');
  const ask = async (agent: Agent): Promise<IncomingMessage> => {
    const [reply] = await once(get(`http://127.0.0.1:${port}/livez`, { agent }), 'response');
    await buffer(reply);
    return reply;
  };
  const agents = Array.from({ length: 3 }, () => new Agent({ keepAlive: true }));
  t.after(() => agents.map((agent) => agent.destroy()));
  const replies = [];
  for (const agent of agents) replies.push(await ask(agent));
  assert.deepEqual(
    replies.map(({ statusCode }) => statusCode),
    [200, 200, 429],
    'one is the WebSocket',
  );
  assert.deepEqual([replies[2]?.headers['retry-after'], replies[2]?.headers.connection], ['1', 'close']);
  other.close();
  await once(other, 'close');
  assert.equal((await ask(agents[2] ?? assert.fail())).statusCode, 200);
});

test('a tenant, and each of its users, has limits of its own', LIMIT, async (t) => {
  const model = await startScriptedModel();
  const tenants = {
    acme: {
      limits: { turns: 2, backgroundTurns: 2, sockets: 2 },
      perUser: { limits: { turns: 1, backgroundTurns: 1, sockets: 1 } },
    },
    '*': { limits: { turns: 1 } },
  };
  const config = parseConfig({ ...testConfigFile(model), limits: {}, tenants });
  const identify = (request: Request) => {
    const [tenant = '', user = ''] = request.headers.get('x-caller')?.split('/') ?? [];
    return { id: `${tenant}/${user}`, tenant, user };
  };
  const handler = await testHandler(model, { config, identify });
  const { fetch, memory } = handler;
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, memory, log: () => {} });
  const door = doorAt('node-http', `http://127.0.0.1:${server.port}`, model, server.close);
  t.after(async () => {
    await door.close();
    await handler.close();
  });
  const { model: name, until, endFirst } = queuedTurns(door);
  const ask = (who: string, more = {}) => post(door, { model: name, input: who, ...more }, as(who));
  const refusal = async (reply: Response) => {
    const { error } = (await reply.json()) as { error: { message: string; code: string } };
    assert.deepEqual([reply.status, error.code, reply.headers.get('retry-after')], [429, 'rate_limit_exceeded', '1']);
    return error.message;
  };
  const running = [ask('acme/ann')];
  await until(1);
  assert.match(await refusal(await ask('acme/ann')), /`perUser` of your tenant/);
  running.push(ask('acme/bob'));
  await until(2);
  assert.match(await refusal(await ask('acme/eve')), /^Your tenant has reached/);
  running.push(ask('other/ann'));
  await until(3);
  assert.match(await refusal(await ask('other/bob')), /^Your tenant has reached/);
  const background = { background: true };
  for (const who of ['acme/ann', 'acme/bob']) assert.equal((await ask(who, background)).status, 200);
  assert.match(await refusal(await ask('acme/ann', background)), /`perUser` of your tenant/);
  assert.match(await refusal(await ask('acme/eve', background)), /^Your tenant has reached/);
  await until(5);
  for (let turn = 0; turn < 5; turn++) endFirst();
  for (const reply of await Promise.all(running)) assert.equal(reply.status, 200);
  const dial = (caller: string) =>
    new WebSocket(`ws://127.0.0.1:${server.port}/v1/responses`, { headers: { 'x-caller': caller } }).on(
      'error',
      () => {},
    );
  const open = [dial('acme/ann'), dial('acme/bob')];
  await Promise.all(open.map((socket) => once(socket, 'open')));
  for (const who of ['acme/ann', 'acme/eve']) {
    const [, { statusCode }] = (await once(dial(who), 'unexpected-response')) as [object, IncomingMessage];
    assert.equal(statusCode, 429, who);
  }
  const closed = Promise.all(open.map((socket) => once(socket, 'close')));
  for (const socket of open) socket.close();
  await closed;
});
