import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import OpenAI from 'openai';
import { newFolder } from './folder.ts';
import { type Script, says, startScriptedModel } from './model/scripted.ts';
import { startCommand, writeConfig } from './product.ts';
import { openSocket } from './socket.ts';
import { checkStream, parseStream } from './sse.ts';

/** A drain that is long enough for requests to be seen in flight, and short enough to be waited for. */
const LIMITS = { drain: '700ms' };

/** The command on a database and with a model that the test has to itself, and what starts it again. */
export async function startStopping(t: TestContext, args: readonly string[], limits: object = LIMITS) {
  const dir = newFolder();
  const model = await startScriptedModel();
  t.after(() => model.close());
  const config = await writeConfig(dir, {
    models: [{ match: '*', backend: 'chat', url: model.url }],
    database: `sqlite:${dir}/a.db`,
    limits,
  });
  const start = async () => {
    const product = await startCommand(['-log-level', 'warn', '-config', config, ...args]);
    t.after(async () => {
      product.kill('SIGKILL');
      await product.exited;
    });
    return product;
  };
  return { model, start };
}

/**
 * What a client has of a stopping server whose models never come to an end: a stream, a reply and a WebSocket each get their
 * one terminal event or error, and the next process has what was made, says `failed`, and takes turns in the conversation.
 */
export async function endsUnended(t: TestContext, door: 'http' | 'envoy', args: readonly string[]): Promise<void> {
  const { model, start } = await startStopping(t, args);
  const product = await start();
  const client = clientOf(product[door]);
  const conversation = (await client.conversations.create()).id;
  const begun: Promise<void>[] = [];
  const unended = (script: (begin: () => void) => Script) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    begun.push(promise);
    return model.script(script(resolve));
  };
  const streams = [silent, talking].map((script) => post(product[door], { model: unended(script), stream: true }));
  const inConversation = post(product[door], { model: unended(silent), stream: true, conversation });
  const replies = [silent, talking].map((script) => post(product[door], { model: unended(script) }));
  const sockets = await Promise.all([1, 2].map(() => openSocket({ client })));
  const idle = await openSocket({ client });
  sockets.forEach((socket, index) => {
    socket.send({ type: 'response.create', model: unended(index ? silent : talking), input: 'Hi' });
  });
  const overSockets = sockets.map((socket) => socket.events());
  const job = await client.responses.create({ model: unended(silent), input: 'Hi', background: true });
  const reader = fetch(`${product[door]}/v1/responses/${job.id}?stream=true`).then((reply) => reply.text());
  await Promise.all(begun);

  product.kill('SIGTERM');
  const ids: string[] = [];
  for (const stream of [...streams, inConversation]) {
    const { events, final } = whole(await (await stream).text());
    assert.deepEqual(
      events.slice(-2).map((event) => [event.type, 'code' in event ? event.code : undefined]),
      [
        ['error', 'server_stopping'],
        ['response.failed', undefined],
      ],
    );
    ids.push(final.id);
  }
  for (const pending of replies) {
    const reply = await pending;
    assert.equal(reply.status, 503);
    assert.equal(reply.headers.get('x-should-retry'), 'true');
    assert.match(await reply.text(), /"code":"server_stopping"/);
  }
  for (const events of await Promise.all(overSockets)) {
    assert.deepEqual(
      events.slice(-2).map(({ type }) => type),
      ['error', 'response.failed'],
    );
    ids.push(events[0].response.id);
  }
  assert.deepEqual(await Promise.all([idle, ...sockets].map(({ closed }) => closed)), [1001, 1001, 1001]);
  assert.match(await reader, /event: error\ndata: .*"server_stopping"/);
  assert.equal(await product.exited, 0);

  const next = await start();
  const again = clientOf(next[door]);
  for (const id of ids) {
    const { status, error, output_text } = await again.responses.retrieve(id);
    assert.deepEqual([status, error?.code], ['failed', 'server_error']);
    assert.match(output_text, /^made /);
  }
  const goesOn = await again.responses.create({ model: model.script(says('Hello')), input: 'Hi', conversation });
  assert.equal(goesOn.status, 'completed');
  assert.deepEqual((await again.conversations.items.list(conversation)).data.length, 2);
  next.kill('SIGTERM');
  assert.equal(await next.exited, 0);
}

function clientOf(origin: string): OpenAI {
  return new OpenAI({ baseURL: `${origin}/v1`, apiKey: 'test', maxRetries: 0 });
}

async function post(origin: string, body: object): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(`${origin}/v1/responses`, { method: 'POST', headers, body: JSON.stringify({ input: 'Hi', ...body }) });
}

/** Says something, and then nothing. */
function silent(begin: () => void): Script {
  return async (turn) => {
    await turn.text('made ');
    begin();
    await turn.closed;
  };
}

/** Says something again and again. */
function talking(begin: () => void): Script {
  return async (turn) => {
    let here = true;
    void turn.closed.then(() => {
      here = false;
    });
    while (here) {
      await turn.text('made ');
      begin();
      await turn.sleep(20);
    }
  };
}

function whole(text: string) {
  const stream = parseStream(text);
  checkStream(stream);
  return stream;
}
