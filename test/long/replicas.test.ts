import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ScriptedModel } from '../support/model/scripted.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { type Replicas, startReplicas } from '../support/replicas.ts';

const COUNT = 3;
const CLIENTS = 12;

/** How often each process is killed, or replaced. */
const ROUNDS = Number(process.env.ROUNDS ?? 3);

/** What a client was told. */
interface Told {
  /** Responses that it has seen whole, with their texts. */
  whole: Map<string, string>;
  /** Background responses that were acknowledged, with the texts that they will have. */
  queued: Map<string, string>;
  failures: string[];
}

for (const kind of ['SQLite', 'PostgreSQL'] as const) {
  test(`three processes on one ${kind}, killed in turn under load: nothing acknowledged is lost, every background turn ends`, async (t) => {
    const replicas = await start(t, kind, { lease: '1s' });
    const { told, stop } = load(replicas);
    for (let kill = 0; kill < COUNT * ROUNDS; kill++) {
      await sleep(500 + Math.random() * 1_000);
      const product = replicas.products[kill % COUNT];
      product?.kill('SIGKILL');
      await product?.exited;
      await replicas.start(kill % COUNT);
      await allHealthy(replicas);
    }
    await sleep(1_000);
    await stop();
    const ends: Record<string, number> = {};
    for (const [id, text] of told.whole) {
      const { status, output } = await read(replicas, id);
      assert.deepEqual([status, output[0]?.content[0].text], ['completed', text], id);
    }
    for (const [id, text] of told.queued) {
      const { status, output } = await ended(replicas, id);
      ends[status] = (ends[status] ?? 0) + 1;
      if (status === 'completed') assert.equal(output[0].content[0].text, text);
      else assert.equal(status, 'failed', id);
    }
    const { whole, queued, failures } = told;
    t.diagnostic(
      JSON.stringify({
        whole: whole.size,
        queued: queued.size,
        ...ends,
        failures: failures.length,
        kills: COUNT * ROUNDS,
      }),
    );
    assert.ok(whole.size > 100 && queued.size > 50, 'the load was one');
    // Of each kill no more than was in flight.
    assert.ok(failures.length < COUNT * ROUNDS * CLIENTS);
  });

  test(`three processes on one ${kind}, replaced one after another under load: no request fails`, async (t) => {
    const replicas = await start(t, kind, { drain: '20s' });
    const { told, stop } = load(replicas);
    for (let round = 0; round < ROUNDS; round++) {
      for (let index = 0; index < COUNT; index++) {
        const product = replicas.products[index];
        product?.kill('SIGTERM');
        assert.equal(await product?.exited, 0);
        await replicas.start(index);
        await allHealthy(replicas);
      }
    }
    await stop();
    t.diagnostic(JSON.stringify({ whole: told.whole.size, queued: told.queued.size, replaced: COUNT * ROUNDS }));
    assert.deepEqual(told.failures, []);
    for (const [id, text] of told.queued) {
      const { status, output } = await ended(replicas, id);
      assert.deepEqual([status, output[0]?.content[0].text], ['completed', text], id);
    }
  });
}

async function start(t: TestContext, kind: 'SQLite' | 'PostgreSQL', limits: object): Promise<Replicas> {
  if (kind === 'SQLite') return startReplicas(t, COUNT, { limits });
  const server = await startPostgres();
  const database = await server.newDatabase();
  const replicas = await startReplicas(t, COUNT, { limits, database });
  t.after(() => server.stop());
  return replicas;
}

/** Clients that ask until they are stopped: a third each for JSON, for streams, for background turns. */
function load(replicas: Replicas): { told: Told; stop(): Promise<void> } {
  const told: Told = { whole: new Map(), queued: new Map(), failures: [] };
  let isOver = false;
  const keepAsking = async (how: number) => {
    while (!isOver) {
      const text = Math.random().toString(36).repeat(5);
      const model = says(replicas.model, text);
      const body = { model, input: 'Hi', ...(how === 0 && { stream: true }), ...(how === 1 && { background: true }) };
      const failure = await ask(replicas, body, text, told);
      if (failure !== '') told.failures.push(failure);
      if (how === 1) await sleep(20);
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, n) => keepAsking(n % 3));
  return {
    told,
    async stop() {
      isOver = true;
      await Promise.all(clients);
    },
  };
}

function says(model: ScriptedModel, text: string): string {
  return model.script(async (turn) => {
    for (let at = 0; at < text.length; at += 20) {
      await turn.text(text.slice(at, at + 20));
      await turn.sleep(10);
    }
    await turn.finish();
  });
}

/** What is wrong with the reply; nothing, if it is whole. */
async function ask(
  { origin }: Replicas,
  body: { stream?: boolean; background?: boolean },
  text: string,
  told: Told,
): Promise<string> {
  try {
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(`${origin}/v1/responses`, { method: 'POST', headers, body: JSON.stringify(body) });
    const came = await reply.text();
    const id = /"id":"(resp_\w+)"/.exec(came)?.[1] ?? '';
    if (reply.status === 200 && body.background && came.includes('"status":"queued"')) {
      told.queued.set(id, text);
      return '';
    }
    const ending = body.stream ? /response\.completed.*data: \[DONE\]\n\n$/s : /"status":"completed"/;
    if (reply.status !== 200 || !ending.test(came)) return `${reply.status} ${came.slice(-200)}`;
    told.whole.set(id, text);
    return '';
  } catch (error) {
    return String(error);
  }
}

async function allHealthy({ admin }: Replicas): Promise<void> {
  while (!(await admin('/stats')).includes(`cluster.antiphon.membership_healthy: ${COUNT}\n`)) await sleep(50);
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads what was sent without a schema
async function read({ origin }: Replicas, id: string): Promise<any> {
  const reply = await fetch(`${origin}/v1/responses/${id}`);
  assert.equal(reply.status, 200, id);
  return reply.json();
}

async function ended(replicas: Replicas, id: string) {
  for (;;) {
    const response = await read(replicas, id);
    if (!['queued', 'in_progress'].includes(response.status)) return response;
    await sleep(50);
  }
}
