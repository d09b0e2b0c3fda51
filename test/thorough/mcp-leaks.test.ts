import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../handler/index.ts';
import { create } from '../promises/ask.ts';
import { ended } from '../promises/background.ts';
import { add, callOf, entryFor } from '../promises/mcp-ask.ts';
import { until } from '../promises/state-ask.ts';
import { type Door, post, testConfigFile } from '../support/doors/door.ts';
import { type InProcess, openInProcess } from '../support/doors/in-process.ts';
import { newFolder } from '../support/folder.ts';
import { Broken, type McpScript, type McpServer, type McpToolScript } from '../support/mcp-server.ts';
import { callsFunctions, says, startScriptedModel } from '../support/model/scripted.ts';
import { startCommand, writeConfig } from '../support/product.ts';

type Era = McpScript['era'];
const eras: readonly Era[] = ['2025', '2026', 'sse'];

/** Turns at a time, each with four calls at once. */
const AT_ONCE = 10;

/** What keeps this process, connections included. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) if (kind !== 'Immediate') counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** As long as no call takes. */
const LONG = '60s';

interface Scene {
  door: Door;
  server: McpServer;
  era: Era;
  turn: number;
}

const four = (server: McpServer, args: object = { a: 2, b: 3 }) =>
  [1, 2, 3, 4].map((number) => callOf(server, { args, id: `c${number}` }));

/** A tool that answers nothing. */
const hangs: McpToolScript = { name: 'add', run: () => new Promise(() => {}) };

/** Asks and leaves, once the server has as many requests of a method as `when` says. */
async function leaves({ door, server }: Scene, method: string, count: number): Promise<void> {
  const before = server.of(method).length;
  const leaving = new AbortController();
  const body = { model: door.model.script(callsFunctions(...four(server))), input: 'Hi', tools: [entryFor(server)] };
  const left = post(door, { ...body, stream: true }, { signal: leaving.signal })
    .then((reply) => reply.text())
    .catch(() => {}); // it has left
  await until(() => server.of(method).length >= before + count);
  leaving.abort();
  await left;
}

async function completes({ door, server }: Scene, expected: object): Promise<void> {
  const model = door.model.script(callsFunctions(...four(server)), says('ok'));
  const { status, output } = await create(door, { model, tools: [entryFor(server)] });
  assert.equal(status, 'completed');
  const calls = output.filter((item) => item.type === 'mcp_call');
  assert.equal(calls.length, 4);
  for (const call of calls) assert.partialDeepStrictEqual(call, expected);
}

/** A way in which turns end. */
interface Way {
  /** How many are tried. Default: 20. */
  turns?: number;
  /** How long a call may take. Default: `LONG`. */
  tool?: string;
  /** The server of a turn. */
  serve(): Partial<McpScript>;
  run(scene: Scene): Promise<void>;
}

const ways: Record<string, Way> = {
  'that complete': {
    turns: 50,
    serve: () => ({ tools: [add] }),
    run: (scene) => completes(scene, { status: 'completed', output: '5' }),
  },
  'whose clients leave in the middle of calls': {
    serve: () => ({ tools: [hangs] }),
    run: (scene) => leaves(scene, 'tools/call', 4),
  },
  'whose clients leave while a session begins': {
    // What is slow is answered once the client has left: the session begins, and nobody has it.
    serve: () => ({
      tools: [add],
      async before({ method, id }) {
        if (id !== undefined && method !== 'tools/call') await new Promise((resolve) => setTimeout(resolve, 300));
      },
    }),
    async run(scene) {
      await leaves(scene, scene.era === '2026' ? 'server/discover' : 'initialize', 1);
      if (scene.era === '2025') await until(() => scene.server.begun === 1);
    },
  },
  'that are cancelled in the middle of calls': {
    serve: () => ({ tools: [hangs] }),
    async run({ door, server }) {
      const before = server.of('tools/call').length;
      const model = door.model.script(callsFunctions(...four(server)));
      const { id } = await create(door, { model, tools: [entryFor(server)], background: true });
      await until(() => server.of('tools/call').length === before + 4);
      await door.fetch(`/v1/responses/${id}/cancel`, { method: 'POST' });
      assert.equal((await ended(door, id)).status, 'cancelled');
    },
  },
  'whose servers break the connection in the middle of calls': {
    serve: () => ({
      tools: [
        {
          name: 'add',
          run() {
            throw new Broken();
          },
        },
      ],
    }),
    run: (scene) => completes(scene, { status: 'failed', output: null }),
  },
  'whose servers answer in the middle of calls that there is no session': {
    serve: () => ({ tools: [add] }),
    async run(scene) {
      scene.server.sessions.clear();
      await completes(scene, { status: 'completed' });
    },
  },
  'whose calls take longer than they may': {
    turns: 10,
    tool: '5s',
    serve: () => ({ tools: [hangs] }),
    run: (scene) => completes(scene, { status: 'failed', output: null }),
  },
  'whose servers answer nothing': {
    turns: 10,
    tool: '1s',
    serve: () => ({ tools: [add], hangs: true }),
    async run({ door, server, turn }) {
      const body = { model: door.model.script(says('never')), input: 'Hi', tools: [entryFor(server)] };
      const signal = turn % 2 === 0 ? AbortSignal.timeout(50) : undefined;
      const reply = await post(door, body, signal && { signal }).catch(() => undefined); // it has left
      if (!signal) assert.equal(reply?.status, 424);
    },
  },
};

async function open(tool: string): Promise<InProcess & { model: Door['model'] }> {
  const model = await startScriptedModel();
  const file = testConfigFile(model);
  const limits = { ...file.limits, tool, toolCalls: 4, idle: '60s', turn: '120s' };
  const door = await openInProcess({ config: parseConfig({ ...file, limits, webhooks: [] }) });
  const close = async () => {
    await door.close();
    await model.close();
  };
  return { ...door, model, close };
}

test('turns with four calls at once, however they end, leave no session, connection or timer', async (t) => {
  const doors = new Map<string, Door>();
  t.after(() => Promise.all([...doors.values()].map((door) => door.close())));
  for (const { tool = LONG } of Object.values(ways)) {
    const door = doors.get(tool) ?? (await open(tool));
    doors.set(tool, door);
    await create(door, { model: door.model.script(says('ok')) }); // what is loaded once
  }
  await until(() => resources().TCPSocketWrap === undefined);
  const before = resources();
  for (const [way, { turns = 20, tool = LONG, serve, run }] of Object.entries(ways)) {
    await t.test(`${turns} ${way}`, async () => {
      const door = doors.get(tool) ?? assert.fail();
      for (const era of eras) {
        const servers: McpServer[] = [];
        for (let turn = 0; turn < turns; turn += AT_ONCE) {
          const scenes = Array.from({ length: AT_ONCE }, (_, n): Scene => {
            const { tools = [], ...script } = serve();
            const server = door.model.mcp.serve(tools, { ...script, era });
            servers.push(server);
            return { door, server, era, turn: turn + n };
          });
          await Promise.all(scenes.map(run));
        }
        await until(() => servers.every(({ sessions }) => sessions.size === 0));
        if (way === 'that complete' && era !== '2026') assert.ok(servers.every(({ begun }) => begun === 1));
      }
    });
  }
  await until(() => JSON.stringify(resources()) === JSON.stringify(before)).catch(() => {});
  assert.deepEqual(resources(), before);
});

test('a process that is stopped in the middle of calls ends their sessions before it ends', async (t) => {
  const model = await startScriptedModel();
  t.after(() => model.close());
  const config = await writeConfig(newFolder(), {
    database: 'sqlite::memory:',
    models: [{ match: '*', backend: 'chat', url: model.url }],
    egress: { allow: [new URL(model.url).host] },
    limits: { drain: '300ms' },
  });
  const product = await startCommand(['-no-envoy', '-log-level', 'error', '-config', config]);
  t.after(() => product.kill('SIGKILL'));
  const servers = eras.flatMap((era) =>
    [false, true].map((background) => ({ background, server: model.mcp.serve([hangs], { era }) })),
  );
  const replies = servers.map(async ({ background, server }) => {
    const body = { model: model.script(callsFunctions(...four(server))), input: 'Hi', tools: [entryFor(server)] };
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const reply = await fetch(`${product.http}/v1/responses`, {
      ...init,
      body: JSON.stringify({ ...body, background }),
    });
    return reply.text();
  });
  await until(() => servers.every(({ server }) => server.of('tools/call').length === 4));
  product.kill('SIGTERM');
  assert.equal(await product.exited, 0);
  await Promise.all(replies);
  assert.deepEqual(
    servers.map(({ server }) => server.sessions.size),
    servers.map(() => 0),
  );
});
