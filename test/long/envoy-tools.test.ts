import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { lacking } from '../clients/install.ts';
import { type RealServers, startNpmServers, startPyPiServers } from '../mcp-servers/start.ts';
import { create, stream } from '../promises/ask.ts';
import { callOf, entryFor } from '../promises/mcp-ask.ts';
import { until } from '../promises/state-ask.ts';
import { type Door, doorAt } from '../support/doors/door.ts';
import { newFolder } from '../support/folder.ts';
import { gives, type McpServer, type McpToolScript } from '../support/mcp-server.ts';
import { callsFunctions, type Script, says, startScriptedModel } from '../support/model/scripted.ts';
import { type ProductProcess, startCommand, writeConfig } from '../support/product.ts';

// Turns whose tools take longer than a minute, through the Envoy that the product starts, with every limit as it is by default.

const waits: McpToolScript = {
  name: 'wait',
  inputSchema: { type: 'object', properties: { seconds: { type: 'number' } } },
  run: async ({ seconds }) => {
    await sleep(seconds * 1_000);
    return gives(`waited ${seconds}`);
  },
};

interface Waiting {
  name: string;
  entry: object;
  call(seconds: number, id?: string): { name: string; args: string; id: string };
}

let door: Door;
let product: ProductProcess;
let real: RealServers[];
const own: McpServer[] = [];
const servers: Waiting[] = [];

before(async () => {
  real = await Promise.all([startNpmServers(), ...(lacking('python3') ? [] : [startPyPiServers()])]);
  const model = await startScriptedModel();
  const config = await writeConfig(newFolder(), {
    database: 'sqlite::memory:',
    models: [{ match: '*', backend: 'chat', url: model.url }],
    egress: { allow: [new URL(model.url).host, ...real.flatMap(({ hosts }) => hosts)] },
  });
  product = await startCommand(['-log-level', 'error', '-config', config]);
  assert.match(product.stderr(), /is ready/, product.stderr());
  door = doorAt('envoy-streamed', product.envoy, model, async () => {
    product.kill('SIGTERM');
    assert.equal(await product.exited, 0);
  });
  for (const era of ['2026', '2025', 'sse'] as const) {
    const server = model.mcp.serve([waits], { era });
    own.push(server);
    const call = (seconds: number, id = 'c1') => callOf(server, { name: 'wait', args: { seconds }, id });
    servers.push({ name: `a server of ${era}`, entry: entryFor(server), call });
  }
  for (const { name, url, waits: tool } of real.flatMap(({ servers }) => servers)) {
    const entry = { type: 'mcp', server_label: 'real', server_url: url, require_approval: 'never' };
    const call = (seconds: number, id = 'c1') =>
      callOf({ label: 'real' }, { name: tool, args: { duration: seconds, steps: 1 }, id });
    servers.push({ name, entry, call });
  }
});
after(async () => {
  await door?.close();
  for (const { stop } of real ?? []) await stop();
});

/** Makes a turn with every server at the same time, as JSON and streamed. */
async function withEach(script: (server: Waiting) => Script[], check: (output: string, server: Waiting) => void) {
  await Promise.all(
    servers.flatMap((server) =>
      [create, stream].map(async (make) => {
        const body = { model: door.model.script(...script(server)), tools: [server.entry] };
        const made = await make(door, body);
        const response = 'final' in made ? made.final : made;
        assert.equal(response.status, 'completed', server.name);
        const calls = response.output.filter((item: { type: string }) => item.type === 'mcp_call');
        check(JSON.stringify(calls), server);
      }),
    ),
  );
}

describe('tools that take a minute, through Envoy', { concurrency: true }, () => {
  test('a call of 30 s after another of 35 s', async () => {
    const script = ({ call }: Waiting) => [callsFunctions(call(35)), callsFunctions(call(30, 'c2')), says('Done.')];
    await withEach(script, (calls, { name }) => {
      assert.equal(calls.match(/"status":"completed"/g)?.length, 2, `${name}: ${calls}`);
    });
  });

  test('a call of 59 s, which is within `limits.tool`', async () => {
    const script = ({ call }: Waiting) => [callsFunctions(call(59)), says('Done.')];
    await withEach(script, (calls, { name }) => {
      assert.match(calls, /"status":"completed"/, `${name}: ${calls}`);
    });
  });

  test('a call that is not ends as a failed item, the one beside it does not, and the turn goes on', async () => {
    const script = ({ call }: Waiting) => [callsFunctions(call(90), call(1, 'c2')), says('Done.')];
    await withEach(script, (calls, { name }) => {
      assert.equal(calls.match(/"status":"completed"/g)?.length, 1, `${name}: ${calls}`);
      assert.equal(calls.match(/"status":"failed"/g)?.length, 1, `${name}: ${calls}`);
    });
  });

  test('a call after a model that has thought for longer than `limits.tool`', async () => {
    const script = ({ call }: Waiting): Script[] => [
      callsFunctions(call(1)),
      async (turn) => {
        await turn.sleep(70_000);
        await callsFunctions(call(1, 'c2'))(turn);
      },
      says('Done.'),
    ];
    await withEach(script, (calls, { name }) => {
      assert.equal(calls.match(/"status":"completed"/g)?.length, 2, `${name}: ${calls}`);
    });
  });
});

test('no session is left of them', async () => {
  await until(() => own.every(({ sessions }) => sessions.size === 0));
});
