import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { newRoles } from '../support/databases/postgres-roles.ts';
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';
import { newFolder } from '../support/folder.ts';
import { type ScriptedModel, startScriptedModel } from '../support/model/scripted.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { type ProductProcess, startCommand, writeConfig } from '../support/product.ts';

/** No request takes longer, whatever happens to the database, in milliseconds. */
const MAX_MS = 60_000;

/** What clients were told: texts of responses that they have whole, and conversations with what was said in them. */
interface Known {
  whole: Map<string, string>;
  refused: number;
  errors: Set<string>;
}

interface Scene {
  products: ProductProcess[];
  model: ScriptedModel;
  server: PostgresServer;
  proxy: FaultyProxy;
  /** Asks the database as a superuser, past the proxy. */
  query(text: string): Promise<Record<string, unknown>[]>;
}

async function open(t: TestContext): Promise<Scene> {
  const server = await startPostgres(['max_connections=200']);
  const { admin, superuser } = await newRoles(server);
  const proxy = await startFaultyProxy(server.port);
  const model = await startScriptedModel();
  const url = new URL(admin);
  url.port = `${proxy.port}`;
  const config = await writeConfig(newFolder(), {
    models: [{ match: '*', backend: 'chat', url: model.url }],
    database: url.href,
    limits: { lease: '2s' },
  });
  const start = () => startCommand(['-no-envoy', '-log-level', 'error', '-config', config]);
  const products = [await start(), await start()];
  for (const product of products) assert.match(product.stderr(), /is ready/, product.stderr());
  t.after(async () => {
    for (const product of products) {
      product.kill('SIGKILL');
      await product.exited;
    }
    await proxy.close();
    await server.stop('SIGQUIT');
    await model.close();
  });
  const query = async (text: string) => {
    const client = new pg.Client({ connectionString: superuser, options: '-c default_transaction_read_only=off' });
    client.on('error', () => {});
    await client.connect();
    const { rows } = await client.query(text);
    await client.end();
    return rows;
  };
  return { products, model, server, proxy, query };
}

const faults: [name: string, isAwayForLong: boolean, run: (scene: Scene) => Promise<void>][] = [
  [
    'restart fast',
    true,
    async ({ server }) => {
      await server.stop('SIGINT');
      await sleep(8_000);
      await server.start();
    },
  ],
  [
    'restart immediate',
    false,
    async ({ server }) => {
      await server.stop('SIGQUIT');
      await server.start();
    },
  ],
  [
    'kill -9 of a backend',
    false,
    async ({ query }) => {
      const [one] = await query("SELECT pid FROM pg_stat_activity WHERE usename = 'owner' LIMIT 1");
      process.kill(Number(one?.pid), 'SIGKILL');
      await until(async () => (await query('SELECT 1').catch(() => [])).length > 0);
    },
  ],
  [
    'pg_terminate_backend of all',
    false,
    async ({ query }) => {
      for (let time = 0; time < 5; time++) {
        await query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'owner'");
        await sleep(200);
      }
    },
  ],
  [
    'a server that only reads for a while',
    true,
    async ({ query }) => {
      await query('ALTER SYSTEM SET default_transaction_read_only = on');
      await query('SELECT pg_reload_conf()');
      await sleep(7_000);
      await query('ALTER SYSTEM RESET default_transaction_read_only');
      await query('SELECT pg_reload_conf()');
    },
  ],
  [
    'no connection left',
    true,
    async ({ query }) => {
      await query('ALTER ROLE owner CONNECTION LIMIT 0');
      await query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'owner'");
      await sleep(7_000);
      await query('ALTER ROLE owner CONNECTION LIMIT -1');
    },
  ],
  [
    'connections cut, before and after a batch',
    false,
    async ({ proxy }) => {
      let batches = 0;
      proxy.decide(() => (++batches % 5 > 0 ? 'passes' : batches % 10 > 0 ? 'before' : 'after'));
      await sleep(3_000);
      proxy.decide(() => 'passes');
    },
  ],
  [
    'connections that nothing comes through any more',
    false,
    async ({ proxy }) => {
      proxy.stall('these');
      await sleep(5_000);
    },
  ],
  [
    'a network that stalls for 30 s',
    true,
    async ({ proxy }) => {
      proxy.stall('all');
      await sleep(30_000);
      proxy.stall('none');
    },
  ],
  [
    'kill -9 of the server',
    false,
    async ({ server }) => {
      await server.stop('SIGKILL');
      await until(() =>
        server.start().then(
          () => true,
          () => false,
        ),
      ); // its children hold its memory for a moment
    },
  ],
];

test('PostgreSQL under faults and load: what was acknowledged is there, nothing is torn or locked, and no request hangs', async (t) => {
  const scene = await open(t);
  for (const [name, isAwayForLong, run] of faults) {
    await t.test(name, async (t) => {
      const known: Known = { whole: new Map(), refused: 0, errors: new Set() };
      let isOver = false;
      const clients = Array.from({ length: 6 }, (_, n) => keepAsking(scene, n, known, () => isOver));
      await sleep(500);
      let wasUnready = false;
      const watch = setInterval(async () => {
        const reply = await fetch(`${scene.products[0]?.admin}/readyz`).catch(() => undefined);
        wasUnready ||= reply?.status === 503;
      }, 200);
      await run(scene).finally(() => clearInterval(watch));
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
    });
  }
});

const OPEN = `SELECT (SELECT count(*) FROM responses r WHERE r.status IN ('queued', 'in_progress'))
  + (SELECT count(*) FROM conversations c JOIN responses r ON r.tenant = c.tenant AND r.id = c.turn
    WHERE r.status IN ('queued', 'in_progress')) AS n`;
const TORN = `SELECT r.id, r.status FROM responses r WHERE
  (r.status = 'completed' AND NOT EXISTS (SELECT 1 FROM items i WHERE i.tenant = r.tenant AND i.holder = r.id AND i.side = 'output'))
  OR NOT EXISTS (SELECT 1 FROM items i WHERE i.tenant = r.tenant AND i.holder = r.id AND i.side = 'input')`;

/** Waits for what has to happen at last, such as that a turn of a process that lost the database is taken over. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const late = AbortSignal.timeout(5 * MAX_MS);
  while (!(await holds())) {
    late.throwIfAborted();
    await sleep(50);
  }
}

async function untilReady({ products }: Scene): Promise<void> {
  await until(async () => {
    const ready = await Promise.all(products.map(({ admin }) => fetch(`${admin}/readyz`).then(({ ok }) => ok)));
    return ready.every(Boolean);
  });
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads what was sent without a schema
async function get({ products }: Scene, n: number, path: string): Promise<any> {
  const reply = await fetch(`${products[n % 2]?.http}${path}`);
  const text = await reply.text();
  assert.equal(reply.status, 200, `${path}: ${text}`);
  return JSON.parse(text);
}

/** Asks again and again, each kind of client in its own way: chains in JSON and as streams, in a conversation, with keys, in the background. */
async function keepAsking(scene: Scene, n: number, known: Known, isOver: () => boolean): Promise<void> {
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
async function hasCompleted({ products }: Scene, n: number, id: string, text: string): Promise<boolean> {
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
