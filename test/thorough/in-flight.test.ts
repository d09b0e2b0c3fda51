import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { type Ingress, type MemoryBudget, parseConfig } from '../../handler/index.ts';
import { serveHttp } from '../../shim/http.ts';
import { create, refuses } from '../promises/ask.ts';
import { type Door, doorAt, post, testConfigFile } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { newFolder } from '../support/folder.ts';
import { LONG } from '../support/long.ts';
import { hangs, says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { startCommand, writeConfig } from '../support/product.ts';

const MiB = 1024 * 1024;

const overloaded = { status: 503, code: 'overloaded' };

/** The product on plain HTTP in this process, with these limits. */
async function open(t: TestContext, limits: object) {
  const model = await startScriptedModel();
  const config = parseConfig({ ...testConfigFile(model), limits });
  const handler = await testHandler(model, { config });
  const { fetch, memory } = handler;
  const { unread } = config.limits;
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, memory, unread, log: () => {} });
  const door: Door = doorAt('node-http', `http://127.0.0.1:${server.port}`, model, server.close);
  t.after(async () => {
    await door.close();
    await handler.close();
  });
  return { door, memory, port: server.port, resume: handler.resume };
}

/** Waits until no memory is reserved; the test's timeout ends an endless wait. */
async function empty(memory: MemoryBudget): Promise<void> {
  while (memory.taken !== 0) await sleep(5);
  assert.equal(memory.arriving.taken, 0);
}

const text = (bytes: number) => 'x'.repeat(bytes);

test('bodies, histories and stored responses find room or are refused, and what ends makes room', {
  timeout: 60_000,
}, async (t) => {
  const { door, memory } = await open(t, { inFlight: '64MiB' });
  const long = await create(door, { model: door.model.script(says('ok')), input: text(3 * MiB) });
  const { script, begun } = hangs();
  const model = door.model.script(script);
  const leaving = new AbortController();
  const pending = post(door, { model, input: text(10 * MiB) }, { signal: leaving.signal }).catch(() => {});
  await begun;
  assert.ok(memory.taken >= 40 * MiB && memory.taken < 50 * MiB, `${memory.taken}`);
  const quick = door.model.script(says('ok'));
  for (const body of [
    { model: quick, input: text(8 * MiB) },
    { model: quick, input: text(5 * MiB), previous_response_id: long.id },
  ]) {
    const reply = await post(door, body);
    assert.deepEqual([reply.headers.get('retry-after'), reply.headers.get('x-should-retry')], ['1', 'true']);
    await refuses(reply, overloaded);
  }
  await create(door, { model: quick, input: 'Hi' });
  leaving.abort();
  await pending;
  await empty(memory);
  await create(door, { model: quick, input: text(5 * MiB), previous_response_id: long.id });
  await empty(memory);
});

test('what would not fit an idle server is refused for good', { timeout: 60_000 }, async (t) => {
  const { door, memory } = await open(t, { inFlight: '16MiB' });
  const model = door.model.script(says('ok'));
  const body = JSON.stringify({ model, input: text(5 * MiB) });
  const tooLarge = { status: 413, code: 'request_too_large' };
  await refuses(await post(door, body), tooLarge);
  await refuses(await post(door, gzipSync(body), { headers: { 'content-encoding': 'gzip' } }), tooLarge);
  const first = await create(door, { model, input: text(2.5 * MiB) });
  const second = await create(door, { model, input: text(1 * MiB), previous_response_id: first.id });
  const third = await post(door, { model, input: text(1.2 * MiB), previous_response_id: second.id });
  assert.equal(third.status, 503, 'there is room for either, and not for both');
  const speaks = door.model.script(says(text(0.8 * MiB)));
  const filled = await create(door, { model: speaks, input: 'Hi', previous_response_id: second.id });
  await refuses(await post(door, { model, input: 'Hi', previous_response_id: filled.id }), {
    status: 400,
    code: 'context_length_exceeded',
    param: 'previous_response_id',
  });
  await empty(memory);
});

test('after hundreds of requests of all kinds no memory is reserved', { timeout: 120_000 }, async (t) => {
  const { door, memory, port } = await open(t, { inFlight: '64MiB', body: '4MiB', unread: '1s' });
  const model = door.model.script(says('Hello'));
  const failing = door.model.script((turn) => turn.reply(500, {}));
  const cut = door.model.script(async (turn) => {
    await turn.text('Hel');
    turn.cut();
  });
  const large = door.model.script(async (turn) => {
    for (let n = 0; n < 20; n++) await turn.text(text(20_000));
    await turn.finish();
  });
  const stored = await create(door, { model: large, input: text(200_000) });
  const conversation = await door.client.conversations.create({
    items: [{ type: 'message', role: 'user', content: text(100_000) }],
  });
  const read = async (reply: Promise<Response>) => void (await (await reply).arrayBuffer());
  const leaves = async (body: object) => {
    const leaving = new AbortController();
    const reply = post(door, { input: 'Hi', ...body }, { signal: leaving.signal }).catch(() => {});
    setTimeout(() => leaving.abort(), Math.random() * 20);
    const body_ = (await reply)?.body;
    await body_?.cancel().catch(() => {});
  };
  const uploads = async () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.write(
      `POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 900000\r\n\r\n{"input":"${text(300_000)}`,
    );
    await sleep(Math.random() * 20);
    socket.destroy();
  };
  const talks = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/responses`).on('error', () => {});
    await once(socket, 'open');
    const created = { type: 'response.create', model, input: text(100_000), store: false };
    for (const message of ['{}', 'no', JSON.stringify(created), JSON.stringify(created)]) socket.send(message);
    socket.send(text(200_000), { fin: false });
    await once(socket, 'message');
    await sleep(Math.random() * 20);
    socket.terminate();
  };
  const kinds: (() => Promise<void>)[] = [
    () => read(post(door, { model, input: 'Hi' })),
    () => read(post(door, { model, input: text(100_000), stream: true })),
    () => read(post(door, { model: large, input: 'Hi', previous_response_id: stored.id })),
    () => read(post(door, { model: large, input: 'Hi', previous_response_id: stored.id, stream: true })),
    () => read(post(door, { model, input: 'Hi', conversation: conversation.id })),
    () => read(post(door, { model: failing, input: text(100_000) })),
    () => read(post(door, { model: cut, input: text(100_000), stream: true })),
    () => read(post(door, { model, input: text(100_000), background: true, stream: true })),
    () => read(post(door, text(100_000))),
    () => read(post(door, { model, input: text(5 * MiB) })),
    () => read(post(door, gzipSync(text(1_000_000)), { headers: { 'content-encoding': 'gzip' } })),
    () => read(post(door, text(100_000), { headers: { 'content-encoding': 'gzip' } })),
    () => read(door.fetch(`/v1/responses/${stored.id}`)),
    () => read(door.fetch(`/v1/responses/${stored.id}/input_items`)),
    () => read(door.fetch(`/v1/conversations/${conversation.id}/items`)),
    () => read(door.fetch('/v1/nothing')),
    () => leaves({ model: large, stream: true, previous_response_id: stored.id }),
    () => leaves({ model: large, input: text(100_000) }),
    uploads,
    talks,
  ];
  let turn = 0;
  const work = async () => {
    while (turn < (LONG ? 1_000 : 300)) await kinds[turn++ % kinds.length]?.();
  };
  await Promise.all(Array.from({ length: 8 }, work));
  await empty(memory);
});

test('a reply to a client who has left before has ended at once, so that it holds no memory', {
  timeout: 10_000,
}, async (t) => {
  const left = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const fetch = async (request: Request, ingress: Ingress) => {
    request.signal.addEventListener('abort', () => setTimeout(left.resolve, 20));
    leaving.abort();
    await left.promise;
    ingress.ended?.(ended.resolve);
    return new Response('late');
  };
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, log: () => {} });
  t.after(server.close);
  const leaving = new AbortController();
  await globalThis.fetch(`http://127.0.0.1:${server.port}/`, { signal: leaving.signal }).catch(() => {});
  await ended.promise;
});

test('a client on plain HTTP that stops reading is cut, and one that waits for the model is not', {
  timeout: 60_000,
}, async (t) => {
  const { door, memory, port } = await open(t, { inFlight: '256MiB', unread: '300ms' });
  const large = door.model.script(async (turn) => {
    for (let n = 0; n < 40; n++) await turn.text(text(500_000));
    await turn.finish();
  });
  const stored = await create(door, { model: large, input: 'Hi' });
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  socket.write(`GET /v1/responses/${stored.id} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
  await once(socket, 'readable');
  assert.ok(memory.taken >= 20 * MiB * 0.9, `what is not read is held: ${memory.taken}`);
  await empty(memory);
  socket.destroy();
  const slow = door.model.script(async (turn) => {
    await turn.sleep(1_000);
    await turn.text('late');
    await turn.finish();
  });
  const late = await create(door, { model: slow, input: 'Hi' });
  assert.equal(late.status, 'completed');
});

test('uploads that never end take half of the room at most, and small requests are served beside them', {
  timeout: 60_000,
}, async (t) => {
  const { door, memory, port } = await open(t, { inFlight: '32MiB' });
  const head = 'POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json';
  let refused = 0;
  const sockets = Array.from({ length: 12 }, () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.on('data', (data) => {
      if (data.toString().includes('"overloaded"')) refused++;
    });
    socket.write(`${head}\r\ncontent-length: ${20 * MiB}\r\n\r\n${text(3 * MiB)}`);
    return socket;
  });
  while (memory.arriving.taken < 12 * MiB || refused < 4) await sleep(5);
  assert.ok(memory.taken <= 16 * MiB, `${memory.taken}`);
  const reply = await create(door, { model: door.model.script(says('ok')), input: text(50_000) });
  assert.equal(reply.status, 'completed');
  for (const socket of sockets) socket.destroy();
  await empty(memory);
});

test('a background turn waits for the memory that it takes', { timeout: 60_000 }, async (t) => {
  const { door, memory, resume } = await open(t, { inFlight: '32MiB', backgroundTurns: 1 });
  const [first, other] = [hangs(), hangs()];
  const hung = await create(door, { model: door.model.script(first.script), input: 'Hi', background: true });
  await first.begun;
  const large = { model: door.model.script(says('ok')), input: text(5 * MiB), background: true };
  const waiting = await Promise.all([
    create(door, large),
    sleep(0).then(() => create(door, { ...large, input: 'Hi' })),
  ]);
  const leaving = new AbortController();
  const body = { model: door.model.script(other.script), input: text(5 * MiB) };
  const pending = post(door, body, { signal: leaving.signal }).catch(() => {});
  await other.begun;
  await door.client.responses.cancel(hung.id);
  const statusOf = async (id = '') => (await door.client.responses.retrieve(id)).status;
  while ((await statusOf(waiting[1]?.id)) !== 'completed') await sleep(10);
  await resume();
  await sleep(50);
  assert.equal(await statusOf(waiting[0]?.id), 'queued');
  leaving.abort();
  await pending;
  while (memory.taken !== 0) await sleep(5);
  await resume();
  while ((await statusOf(waiting[0]?.id)) !== 'completed') await sleep(10);
  await empty(memory);
});

test('many requests of few bytes that name one long response do not end the process', {
  timeout: 120_000,
}, async (t) => {
  const model = await startScriptedModel();
  const dir = newFolder();
  const models = [{ match: '*', backend: 'chat', url: model.url }];
  const config = await writeConfig(dir, { models, database: 'sqlite::memory:' });
  // A small heap, so that the fault needs little of this machine's memory.
  const product = await startCommand(['-config', config, '-no-envoy', '-log-level', 'error'], {
    NODE_OPTIONS: '--max-old-space-size=300',
  });
  const door = doorAt('node-http', product.http, model, async () => product.kill('SIGKILL'));
  t.after(async () => {
    await door.close();
    await product.exited;
  });
  const items = Array.from({ length: 10_000 }, () => ({ role: 'user', content: text(1_000) }));
  const long = await create(door, { model: model.script(says('ok')), input: items });
  const all = Promise.withResolvers<void>();
  const waits = model.script(async (turn) => {
    await all.promise;
    await turn.text('ok');
    await turn.finish();
  });
  const body = { model: waits, input: 'Hi', previous_response_id: long.id };
  const refused: string[] = [];
  const asked = Array.from({ length: 60 }, async () => {
    const reply = await post(door, body);
    if (reply.status !== 200) refused.push(JSON.parse(await reply.text()).error.code);
    else await reply.arrayBuffer();
  });
  const waiting = setInterval(() => {
    if (model.calls(waits).length + refused.length === asked.length) all.resolve();
  }, 10);
  t.after(() => clearInterval(waiting));
  await Promise.all(asked);
  const others = product
    .stdout()
    .split('\n')
    .filter((line) => line && !line.includes('holds as many requests as it can'));
  assert.deepEqual([...new Set(refused)], ['overloaded'], others.join('\n'));
  assert.ok(refused.length < asked.length, 'and not all of them are');
  await create(door, body);
});
