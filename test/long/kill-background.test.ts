import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { newFolder } from '../support/folder.ts';
import { hangs, type Script, type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { type ProductProcess, startCommand, writeConfig } from '../support/product.ts';
import { checkStream, type StreamEvent } from '../support/sse.ts';

const TURNS = 100;
const ROUNDS = Number(process.env.KILLS ?? 3);

/** Turns that one process makes at a time: the others are queued when it dies. */
const AT_ONCE = 50;

/** A response, and what its reader has read of it over all connections. */
interface Asked {
  id: string;
  model: string;
  events: StreamEvent[];
  /** Whether the stream has come to its end. */
  done: boolean;
}

/** How far a response was when its process ended. */
type Stage = 'queued' | 'unsaid' | 'said' | 'ended';

for (const [signal, limits] of [
  ['SIGKILL', { lease: '500ms' }],
  // As long a lease as nobody waits for: what a process lets go of is free at once.
  ['SIGTERM', { lease: '10m', drain: '300ms' }],
] as const) {
  test(`${signal} in the middle of ${TURNS} background streams: each ends once, and no reader misses anything`, async (t) => {
    const dir = newFolder();
    const scripted = await startScriptedModel();
    const products: ProductProcess[] = [];
    t.after(async () => {
      for (const product of products) product.kill('SIGKILL');
      await scripted.close();
    });
    for (let round = 0; round < ROUNDS; round++) {
      const file = join(dir, `${round}.db`);
      const config = await writeConfig(dir, {
        database: `sqlite:${file}`,
        models: [{ match: '*', backend: 'chat', url: scripted.url }],
        limits: { ...limits, backgroundTurns: AT_ONCE },
      });
      const counts = await killOnce(scripted, products, config, file, signal);
      t.diagnostic(`${signal}: ${JSON.stringify(counts)}`);
    }
  });
}

async function killOnce(
  scripted: ScriptedModel,
  products: ProductProcess[],
  config: string,
  file: string,
  signal: NodeJS.Signals,
) {
  const first = await start(config);
  products.push(first);
  const reading: Promise<void>[] = [];
  const asked: Asked[] = [];
  let script: (n: number) => Script = scriptOf;
  for (let n = 0; n < TURNS; n++) {
    const model = scripted.script((turn) => script(n)(turn));
    asked.push(await askFor(first, model, n, reading));
  }
  await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 500));
  first.kill(signal);
  const code = await first.exited;
  assert.equal(code, signal === 'SIGTERM' ? 0 : null);
  await Promise.all(reading);
  const stages = stagesIn(file);
  script = () => says('made ', 'later');

  const second = await start(config);
  products.push(second);
  const counts: Record<string, number> = {};
  for (const response of asked) {
    const stage = stages.get(response.id) ?? assert.fail(`${response.id} is not there`);
    const seen = response.events.length;
    const cut = !response.done;
    for (let tries = 0; !response.done; tries++) {
      assert.ok(tries < 3, 'a stream of a process that lives comes to its end');
      await read(await follow(second, response), response);
    }
    const { events } = response;
    const last = events.at(-1);
    assert.ok(last && 'response' in last);
    const final = last.response;
    checkStream({ events, comments: 0, final });
    assert.deepEqual(await get(second, response.id), final);
    const again: Asked = { ...response, events: [] };
    await read(await follow(second, again), again);
    assert.deepEqual(again.events, events, 'a reader who was cut has what one has who was not');
    const calls = scripted.calls(response.model).length;
    if (stage === 'ended') assert.equal(final.status, 'completed');
    else assert.equal(final.status, stage === 'said' ? 'failed' : 'completed', `one that was ${stage}`);
    if (stage === 'said') assert.partialDeepStrictEqual(final.output.at(-1), { status: 'incomplete' });
    assert.ok(calls === 1 || (calls === 2 && stage === 'unsaid'), `${calls} calls for one that was ${stage}`);
    const what = `${stage}, ${seen === 0 ? 'unread' : cut ? 'cut' : 'read'}: ${final.status}`;
    counts[what] = (counts[what] ?? 0) + 1;
  }
  second.kill('SIGTERM');
  await second.exited;
  for (const stage of ['queued', 'unsaid', 'said', 'ended']) {
    assert.ok(
      Object.keys(counts).some((what) => what.startsWith(stage)),
      `some were ${stage}`,
    );
  }

  const database = new DatabaseSync(file, { readOnly: true });
  assert.equal(database.prepare('PRAGMA integrity_check').get()?.integrity_check, 'ok');
  const { left } =
    database.prepare("SELECT count(*) AS left FROM responses WHERE status IN ('queued', 'in_progress')").get() ?? {};
  const { jobs } = database.prepare('SELECT count(*) AS jobs FROM jobs').get() ?? {};
  database.close();
  assert.deepEqual([left, jobs], [0, 0]);
  return counts;
}

/** What the model of a turn says: one is quick, one silent, one endless, one any of these. */
function scriptOf(n: number): Script {
  if (n % 4 === 0) return says('a ', 'quick ', 'one');
  if (n % 4 === 1) return hangs('').script;
  if (n % 4 === 2) return speaks(0, Number.POSITIVE_INFINITY);
  return speaks(Math.random() * 1_500, 1 + Math.random() * 50);
}

function speaks(silence: number, pieces: number): Script {
  return async (turn) => {
    let open = true;
    turn.closed.then(() => {
      open = false;
    });
    await turn.sleep(silence);
    for (let piece = 0; open && piece < pieces; piece++) {
      await turn.text(`piece ${piece} `);
      await turn.sleep(20);
    }
    await turn.finish();
  };
}

async function start(config: string): Promise<ProductProcess> {
  const product = await startCommand(['-no-envoy', '-log-level', 'error', '-config', config]);
  assert.match(product.stderr(), /is ready/, product.stderr());
  return product;
}

/** Asks for a response, and has every third stream read that the POST gives, and every third one by GET. */
async function askFor(product: ProductProcess, model: string, n: number, reading: Promise<void>[]): Promise<Asked> {
  const reply = await fetch(`${product.http}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model, input: 'Hi', background: true, stream: n % 3 === 0 }),
  });
  if (n % 3 === 0) {
    const asked: Asked = { id: '', model, events: [], done: false };
    const named = Promise.withResolvers<void>();
    reading.push(read(reply, asked, named.resolve));
    await named.promise;
    return asked;
  }
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what was sent without a schema
  const { id } = (await reply.json()) as any;
  assert.equal(reply.status, 200);
  const asked: Asked = { id, model, events: [], done: false };
  if (n % 3 === 1) reading.push(follow(product, asked).then((stream) => read(stream, asked)));
  return asked;
}

/** Goes on reading where the reader has come to. */
function follow(product: ProductProcess, { id, events }: Asked): Promise<Response> {
  const last = events.at(-1)?.sequence_number;
  const after = last === undefined ? '' : `&starting_after=${last}`;
  return fetch(`${product.http}/v1/responses/${id}?stream=true${after}`);
}

/**
 * Reads whole events until the stream ends or its connection breaks. A process that is told to stop ends it with an `error`,
 * which is none of the response's: its reader goes on after the last event before it.
 */
async function read(reply: Response, asked: Asked, named = () => {}): Promise<void> {
  assert.equal(reply.status, 200);
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of reply.body ?? []) {
      const frames = (text + decoder.decode(chunk, { stream: true })).split('\n\n');
      text = frames.pop() ?? '';
      for (const frame of frames) {
        const data = /^data: (.*)$/m.exec(frame)?.[1];
        const event = data && data !== '[DONE]' ? JSON.parse(data) : undefined;
        if (event?.code === 'server_stopping') return;
        if (data === '[DONE]') asked.done = true;
        else if (event) asked.events.push(event);
      }
      const [created] = asked.events;
      if (created && 'response' in created) asked.id ||= created.response.id;
      if (asked.id) named();
    }
  } catch {
    // The process has died.
  }
}

/** How far each response had come, by what a process that has died has left. */
function stagesIn(file: string): Map<string, Stage> {
  const database = new DatabaseSync(file, { readOnly: true });
  const said = `SELECT r.id, r.status, r.owner, EXISTS (
      SELECT 1 FROM events e WHERE e.response = r.id AND e.body LIKE '%response.output_item.added%'
    ) AS said FROM responses r`;
  const rows = database.prepare(said).all();
  database.close();
  return new Map(rows.map((row) => [String(row.id), stageOf(row)]));
}

function stageOf({ status, said }: Record<string, unknown>): Stage {
  if (status === 'queued') return 'queued';
  if (status === 'in_progress') return said === 1 ? 'said' : 'unsaid';
  return 'ended';
}

async function get(product: ProductProcess, id: string): Promise<unknown> {
  const reply = await fetch(`${product.http}/v1/responses/${id}`);
  assert.equal(reply.status, 200);
  return reply.json();
}
