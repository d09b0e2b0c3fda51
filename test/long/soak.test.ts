import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { newFolder } from '../support/folder.ts';
import { type ScriptedModel, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { type ProductProcess, startCommand, writeConfig } from '../support/product.ts';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 10);
const WARM = Math.min(3, MINUTES - 1);
/** Memory at the end beside that of the third minute: resident, and what a collection leaves. */
const FLAT = 1.05;
/** What each client waits after each request, in ms: a load that goes on, not one as great as can be. */
const PAUSE = 40;
const MODELS = 64;

/** One thing that a client does; `models` are names that answer. */
type Habit = (url: string, model: string, known: string[]) => Promise<void>;

const headers = { 'content-type': 'application/json' };
const post = (url: string, body: unknown, signal?: AbortSignal) =>
  fetch(url, { method: 'POST', headers, body: JSON.stringify(body), ...(signal && { signal }) });

const habits: Record<string, Habit> = {
  async turn(url, model, known) {
    const reply = await post(`${url}/v1/responses`, { model, input: 'x'.repeat(2_000) });
    const { id, status } = (await reply.json()) as { id: string; status: string };
    assert.equal(status, 'completed');
    known.push(id);
    if (known.length > 100) known.shift();
  },
  async stream(url, model, known) {
    const reply = await post(`${url}/v1/responses`, {
      model,
      input: 'Hi',
      stream: true,
      previous_response_id: known.at(-1),
    });
    const text = await reply.text();
    assert.match(text, /response\.completed|previous_response/);
  },
  async leave(url, model) {
    const leaving = new AbortController();
    const asked = post(`${url}/v1/responses`, { model, input: 'Hi', stream: true }, leaving.signal);
    await sleep(Math.random() * 30);
    leaving.abort();
    await asked.then((reply) => reply.text()).catch(() => {});
  },
  async bad(url, model) {
    assert.equal((await post(`${url}/v1/responses`, { model, input: [{ type: 'no' }] })).status, 422);
  },
  async conversation(url, model) {
    const made = (await (await post(`${url}/v1/conversations`, {})).json()) as { id: string };
    for (let n = 0; n < 3; n++) {
      const reply = await post(`${url}/v1/responses`, { model, input: 'Hi', conversation: made.id });
      assert.equal(reply.status, 200, await reply.text());
    }
    assert.equal((await fetch(`${url}/v1/conversations/${made.id}`, { method: 'DELETE' })).status, 200);
  },
  async background(url, model) {
    const reply = await post(`${url}/v1/responses`, { model, input: 'Hi', background: true, stream: true });
    assert.match(await reply.text(), /response\.completed/);
  },
  async socket(url, model) {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/responses`);
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () =>
        socket.send(JSON.stringify({ type: 'response.create', model, input: 'Hi', store: false })),
      );
      socket.on('message', (data) => String(data).includes('"type":"response.completed"') && socket.close());
      socket.on('close', () => resolve());
    });
  },
  async delete(url, _, known) {
    const id = known.shift();
    if (id) assert.equal((await fetch(`${url}/v1/responses/${id}`, { method: 'DELETE' })).status, 200);
  },
};

test(`${MINUTES} minutes of all kinds of requests: memory is flat after minute ${WARM}`, async (t) => {
  const folder = newFolder();
  const model = await startScriptedModel();
  const config = await writeConfig(folder, {
    models: [{ match: '*', backend: 'chat', url: model.url }],
    retention: '60s',
    logRetention: '30s',
  });
  const inspector = await freePort();
  const product = await startCommand(['-config', config, '-log-level', 'error'], {
    NODE_OPTIONS: `--inspect=127.0.0.1:${inspector}`,
  });
  assert.match(product.stderr(), /is ready/, product.stderr());
  t.after(async () => {
    product.kill('SIGTERM');
    await product.exited;
    await model.close();
  });
  const names = Array.from({ length: MODELS }, () => speaker(model));
  const until = performance.now() + MINUTES * 60_000;
  const counts: Record<string, number> = {};
  const clients = [product.envoy, product.http].flatMap((url) =>
    Object.entries(habits).map(async ([name, habit]) => {
      const known: string[] = [];
      while (performance.now() < until) {
        await habit(url, names[Math.floor(Math.random() * MODELS)] ?? '', known);
        counts[name] = (counts[name] ?? 0) + 1;
        await sleep(PAUSE);
      }
    }),
  );
  const minutes: number[] = [];
  const live: number[] = [];
  const watching = (async () => {
    while (performance.now() < until - 1_000) {
      minutes.push(await minuteOf(product));
      if (minutes.length === WARM) live.push(await liveIn(inspector));
    }
  })();
  await Promise.all([...clients, watching]);
  live.push(await liveIn(inspector));
  t.diagnostic(`requests: ${JSON.stringify(counts)}`);
  t.diagnostic(`MB resident, minute by minute: ${minutes.map((bytes) => Math.round(bytes / 1e6)).join(' ')}`);
  t.diagnostic(
    `MB live after minute ${WARM}, and at the end: ${live.map((bytes) => (bytes / 1e6).toFixed(1)).join(' ')}`,
  );
  checkFlat('live', live[0], live[1]);
  checkFlat('resident', minutes[WARM - 1], minutes.at(-1));
});

function checkFlat(what: string, warm = 0, last = 0): void {
  const [before, after] = [warm, last].map((bytes) => (bytes / 1e6).toFixed(1));
  assert.ok(last <= FLAT * warm, `${after} MB ${what} at the end, ${before} after minute ${WARM}`);
}

/** A model that says a few words. */
function speaker(model: ScriptedModel): string {
  return model.script(async (turn) => {
    for (let n = 0; n < 20; n++) await turn.text(`word ${n} `);
    await turn.finish();
  });
}

/** The median of a minute's resident memory, in bytes. */
async function minuteOf({ pid }: ProductProcess): Promise<number> {
  const samples: number[] = [];
  for (let n = 0; n < 60; n++) {
    samples.push(Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024);
    await sleep(1_000);
  }
  return samples.sort((a, b) => a - b)[30] ?? 0;
}

/** What a collection leaves in the product's heap, in bytes: the least of a few, since requests are running. */
async function liveIn(inspector: number): Promise<number> {
  const [target] = (await (await fetch(`http://127.0.0.1:${inspector}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
  await once(socket, 'open');
  let id = 0;
  const ask = async (method: string) => {
    socket.send(JSON.stringify({ id: ++id, method }));
    const [reply] = await once(socket, 'message');
    return JSON.parse(String(reply)).result;
  };
  const sizes: number[] = [];
  for (let n = 0; n < 5; n++) {
    await ask('HeapProfiler.collectGarbage');
    sizes.push((await ask('Runtime.getHeapUsage')).usedSize);
    await sleep(1_000);
  }
  socket.close();
  return Math.min(...sizes);
}
