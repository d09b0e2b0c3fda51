import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import OpenAI from 'openai';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { hangs, type Script, type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { type ProductProcess, startCommand, writeConfig } from '../support/product.ts';
import { openSocket, refusedStatus } from '../support/socket.ts';

const LIMITS = { turns: 3, backgroundTurns: 2, sockets: 2 };

/** Clients of each process under load, and turns that each of them wants. */
const [CLIENTS, TURNS] = [8, 12];

interface Two {
  one: ProductProcess;
  other: ProductProcess;
  model: ScriptedModel;
}

/** Two processes of the product on one database. */
async function startTwo(t: TestContext, kind: 'SQLite' | 'PostgreSQL'): Promise<Two> {
  const folder = newFolder();
  const server = kind === 'PostgreSQL' ? await startPostgres() : undefined;
  const model = await startScriptedModel();
  const config = await writeConfig(folder, {
    database: server ? await server.newDatabase() : `sqlite:${folder}/a.db`,
    models: [{ match: '*', backend: 'chat', url: model.url }],
    tenants: { default: { limits: LIMITS } },
    limits: { lease: '1s', drain: '1s' },
  });
  const start = async () => {
    const product = await startCommand(['-no-envoy', '-config', config]);
    if (!product.stderr().includes('is ready')) throw new Error(product.stderr());
    return product;
  };
  const [one, other] = [await start(), await start()];
  t.after(async () => {
    for (const product of [one, other]) {
      product.kill('SIGKILL');
      await product.exited;
    }
    await model.close();
    await server?.stop();
  });
  return { one, other, model };
}

function ask(product: ProductProcess, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${product.http}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ input: 'Hi', ...body }),
    ...(signal && { signal }),
  });
}

async function statusOf(product: ProductProcess, body: object): Promise<number> {
  const reply = await ask(product, body);
  await reply.text();
  return reply.status;
}

const doorOf = ({ http }: ProductProcess) => ({ client: new OpenAI({ baseURL: `${http}/v1`, apiKey: 'none' }) });

/** Starts a turn that lasts until the returned function is called. */
async function hold({ model }: Two, product: ProductProcess): Promise<() => Promise<void>> {
  const { script, begun } = hangs();
  const client = new AbortController();
  const reply = await ask(product, { model: model.script(script), stream: true }, client.signal);
  assert.equal(reply.status, 200);
  await begun;
  const read = reply.text().catch(() => ''); // a reply that nobody reads is collected, and its turn ends
  return async () => {
    client.abort();
    await read;
  };
}

for (const kind of ['SQLite', 'PostgreSQL'] as const) {
  test(`turns at a time are limited over two processes on one ${kind}, and those of one that is killed come back`, async (t) => {
    const two = await startTwo(t, kind);
    const { one, other, model } = two;
    const ended = await hold(two, one);
    await hold(two, one);
    await hold(two, other);
    const name = model.script(says('ok'));
    for (const product of [one, other]) {
      const refused = await ask(product, { model: name });
      assert.equal(refused.status, 429);
      assert.equal(refused.headers.get('retry-after'), '1');
      assert.match(await refused.text(), /"rate_limit_exceeded"/);
      await until(() => product.stdout().includes('"limit":"tenant.turns"'));
    }
    await ended();
    await until(async () => (await statusOf(other, { model: name })) === 200);
    // As many as one, and the one that is killed has the other.
    await hold(two, other);
    assert.equal(await statusOf(other, { model: name }), 429);
    one.kill('SIGKILL');
    await one.exited;
    assert.equal(await statusOf(other, { model: name }), 429);
    await until(async () => (await statusOf(other, { model: name })) === 200);
    await hold(two, other);
    assert.equal(await statusOf(other, { model: name }), 429);
  });

  test(`under load of two processes on one ${kind} a model never has more turns than the limit, and all are made`, async (t) => {
    const { one, other, model } = await startTwo(t, kind);
    let running = 0;
    let most = 0;
    const script: Script = async (turn) => {
      most = Math.max(most, ++running);
      await turn.text('ok');
      await turn.sleep(3);
      running--;
      await turn.finish();
    };
    const name = model.script(script);
    let refused = 0;
    const client = async (product: ProductProcess) => {
      for (let made = 0; made < TURNS; ) {
        const status = await statusOf(product, { model: name, store: made % 2 === 0 });
        assert.ok(status === 200 || status === 429, String(status));
        if (status === 200) made++;
        else refused++;
      }
    };
    await Promise.all(Array.from({ length: 2 * CLIENTS }, (_, n) => client(n % 2 === 0 ? one : other)));
    assert.equal(most, LIMITS.turns);
    assert.ok(refused > 0, 'the load was one');
  });

  test(`background turns are limited over two processes on one ${kind}, whichever makes them`, async (t) => {
    const { one, other, model } = await startTwo(t, kind);
    const held = [hangs(''), hangs('')];
    const again = hangs('');
    const ids: string[] = [];
    for (const { script, begun } of held) {
      const reply = await ask(one, { model: model.script(script, again.script), background: true });
      ids.push(((await reply.json()) as { id: string }).id);
      await begun;
    }
    const name = model.script(says('ok'));
    for (const product of [one, other]) assert.equal(await statusOf(product, { model: name, background: true }), 429);
    assert.equal(await statusOf(one, { model: name }), 200, 'a turn that its client waits for is none of them');
    one.kill('SIGKILL');
    await one.exited;
    assert.equal(await statusOf(other, { model: name, background: true }), 429);
    await again.begun;
    assert.equal(await statusOf(other, { model: name, background: true }), 429, 'it is made by the other now');
    await fetch(`${other.http}/v1/responses/${ids[0]}/cancel`, { method: 'POST' });
    assert.equal(await statusOf(other, { model: name, background: true }), 200);
  });

  test(`WebSockets are limited over two processes on one ${kind}`, async (t) => {
    const { one, other } = await startTwo(t, kind);
    const first = await openSocket(doorOf(one));
    const second = await openSocket(doorOf(other));
    for (const product of [one, other]) assert.equal(await refusedStatus(doorOf(product)), 429);
    first.close();
    await first.closed;
    await until(async () => (await refusedStatus(doorOf(other))) === undefined);
    second.close();
    await second.closed;
  });
}
