import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ScriptedModel } from './model/scripted.ts';
import type { ProductProcess } from './product.ts';

/** No request takes longer, whatever happens to the database, in milliseconds. */
const MAX_MS = 60_000;

/** What clients were told: texts of responses that they have whole, and conversations with what was said in them. */
interface Known {
  whole: Map<string, string>;
  refused: number;
  errors: Set<string>;
}

/** Two processes on one PostgreSQL. */
export interface Loaded {
  products: ProductProcess[];
  model: ScriptedModel;
  /** Asks the database as a superuser, past whatever the fault is of. */
  query(text: string): Promise<Record<string, unknown>[]>;
}

/**
 * Lets a fault happen under the load of six clients, and checks that what they were told is there, that nothing is torn or locked, and
 * that no request hangs; where it is away for long, /readyz has to say so.
 */
export async function losesNothing(
  t: TestContext,
  scene: Loaded,
  fault: () => Promise<void>,
  isAwayForLong = false,
): Promise<void> {
  const known: Known = { whole: new Map(), refused: 0, errors: new Set() };
  let isOver = false;
  const clients = Array.from({ length: 6 }, (_, n) => keepAsking(scene, n, known, () => isOver));
  await sleep(500);
  let wasUnready = false;
  const watch = setInterval(async () => {
    const reply = await fetch(`${scene.products[0]?.admin}/readyz`).catch(() => undefined);
    wasUnready ||= reply?.status === 503;
  }, 200);
  await fault().finally(() => clearInterval(watch));
  await untilReady(scene);
  const before = known.whole.size;
  await until(() => known.whole.size > before + 6);
  isOver = true;
  await Promise.all(clients);
  t.diagnostic(JSON.stringify({ whole: known.whole.size, refused: known.refused }));
  assert.deepEqual([...known.errors], []);
  assert.ok(wasUnready || !isAwayForLong, '/readyz said so');
  for (const [id, text] of known.whole) {
    const response = await get(scene, 0, `/v1/responses/${id}`);
    assert.equal(response.status, 'completed', id);
    assert.equal(response.output[0].content[0].text, text);
  }
  for (const product of scene.products) assert.doesNotMatch(product.stderr(), /Error:/);
  await until(async () => {
    const [open] = await scene.query(OPEN);
    return Number(open?.n) === 0;
  });
  assert.deepEqual(await scene.query(TORN), []);
}

const OPEN = `SELECT (SELECT count(*) FROM responses r WHERE r.status IN ('queued', 'in_progress'))
  + (SELECT count(*) FROM conversations c JOIN responses r ON r.tenant = c.tenant AND r.id = c.turn
    WHERE r.status IN ('queued', 'in_progress')) AS n`;
const TORN = `SELECT r.id, r.status FROM responses r WHERE
  (r.status = 'completed' AND NOT EXISTS (SELECT 1 FROM items i WHERE i.tenant = r.tenant AND i.holder = r.id AND i.side = 'output'))
  OR NOT EXISTS (SELECT 1 FROM items i WHERE i.tenant = r.tenant AND i.holder = r.id AND i.side = 'input')`;

/** Waits for what has to happen at last, such as that a turn of a process that lost the database is taken over. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const late = AbortSignal.timeout(5 * MAX_MS);
  while (!(await holds())) {
    late.throwIfAborted();
    await sleep(50);
  }
}

async function untilReady({ products }: Loaded): Promise<void> {
  await until(async () => {
    const ready = await Promise.all(products.map(({ admin }) => fetch(`${admin}/readyz`).then(({ ok }) => ok)));
    return ready.every(Boolean);
  });
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads what was sent without a schema
async function get({ products }: Loaded, n: number, path: string): Promise<any> {
  const reply = await fetch(`${products[n % 2]?.http}${path}`);
  const text = await reply.text();
  assert.equal(reply.status, 200, `${path}: ${text}`);
  return JSON.parse(text);
}

/** Asks again and again, each kind of client in its own way: chains in JSON and as streams, in a conversation, with keys, in the background. */
async function keepAsking(scene: Loaded, n: number, known: Known, isOver: () => boolean): Promise<void> {
  const { products, model: scripted } = scene;
  let previous: string | undefined;
  let conversation: string | undefined;
  const said = new Set<string>();
  const ask = async (path: string, body: object, headers: object = {}) => {
    const started = performance.now();
    const reply = await fetch(`${products[Math.floor(Math.random() * 2)]?.http}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(2 * MAX_MS),
    });
    const text = await reply.text();
    const took = performance.now() - started;
    if (took > MAX_MS) known.errors.add(`${path} took ${took} ms: ${JSON.stringify(body)}`);
    return { status: reply.status, text, retry: reply.headers.get('retry-after') };
  };
  const refuse = ({ status, text, retry }: Awaited<ReturnType<typeof ask>>) => {
    known.refused++;
    const isAway = status === 503 && text.includes('"overloaded"') && retry !== null;
    // What a lost answer has left is ended within a lease.
    const isLeft = /conversation_locked|idempotency_in_progress|previous_response_not_usable/.test(text);
    if (!isAway && !isLeft) known.errors.add(`${status} ${text.slice(0, 300)}`);
  };
  while (!isOver()) {
    const word = Math.random().toString(36);
    const model = scripted.script(async (turn) => {
      await turn.text(word);
      await turn.sleep(5);
      await turn.finish();
    });
    try {
      if (n % 6 === 3 && !conversation) {
        const made = await ask('/v1/conversations', {});
        if (made.status === 200) conversation = JSON.parse(made.text).id;
        else refuse(made);
        continue;
      }
      const more = [
        { previous_response_id: previous },
        { previous_response_id: previous, stream: true },
        {},
        { conversation },
        { background: true },
        { stream: true },
      ][n % 6];
      const headers = n % 6 === 2 ? { 'idempotency-key': word } : {};
      const body = { model, input: word, ...more };
      let reply = await ask('/v1/responses', body, headers);
      if (n % 6 === 2 && reply.status !== 200) {
        refuse(reply);
        await sleep(1_000);
        reply = await ask('/v1/responses', body, headers); // as clients do with a key
      }
      const id = /"id":"(resp_\w+)"/.exec(reply.text)?.[1] ?? '';
      if (reply.status !== 200) refuse(reply);
      const isWhole = reply.status === 200 && (await hasCompleted(scene, n, id, reply.text));
      if (isWhole) {
        known.whole.set(id, word);
        said.add(word);
        previous = id;
      } else await sleep(100);
    } catch (error) {
      known.errors.add(String(error));
      await sleep(100);
    }
  }
  if (!conversation) return;
  const { data } = await get(scene, 0, `/v1/conversations/${conversation}/items?limit=100&order=desc`);
  const texts = data.map((item: { content: { text: string }[] }) => item.content[0]?.text);
  for (const word of [...said].slice(-40)) {
    if (texts.filter((text: string) => text === word).length !== 2)
      known.errors.add(`${word} is not in the conversation once`);
  }
}

/** Whether a client hears of the end that it asked for; a failure is told as one. */
async function hasCompleted({ products }: Loaded, n: number, id: string, text: string): Promise<boolean> {
  if (text.startsWith('event:')) return text.includes('event: response.completed\n');
  let status = '';
  await until(async () => {
    const reply = await fetch(`${products[n % 2]?.http}/v1/responses/${id}`);
    if (reply.status === 503) return false;
    status = ((await reply.json()) as { status: string }).status;
    return status !== 'queued' && status !== 'in_progress';
  });
  return status === 'completed';
}
