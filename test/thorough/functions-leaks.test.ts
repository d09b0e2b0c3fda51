import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { startProduct } from '../../shim/product.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { startServer } from '../support/egress-server.ts';
import { newFolder } from '../support/folder.ts';
import { callsFunctions, says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';

const TURNS = 50;
const CALLS = 4;

/** What keeps this process running, by its kinds. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

test('turns with calls at the same time leave no connection and no timer behind, whatever becomes of them', async (t) => {
  const model = await startScriptedModel();
  t.after(() => model.close());
  const server = await startServer(t, ({ line }, reply) => {
    if (line.includes('/hangs')) return;
    reply.writeHead(line.includes('/fails') ? 500 : 200, { 'content-type': 'text/plain' }).end('a'.repeat(100_000));
  });
  const functionOf = (name: string) => ({ http: { name, description: 'd', url: `${server.origin}/${name}` } });
  const port = await freePort();
  const product = await startProduct({
    flags: { noEnvoy: true },
    config: {
      ...testConfigFile(model),
      ...{ listen: { http: `127.0.0.1:${port}`, grpc: 'off', admin: 'off' }, database: `sqlite:${newFolder()}/a.db` },
      // Time enough for all calls to be sent at once on a busy machine.
      ...{ tools: ['answers', 'fails', 'hangs'].map(functionOf), limits: { tool: '3s', toolResult: '10KiB' } },
    },
  });
  t.after(() => product.stop());
  const turn = async (stream: boolean) => {
    const names = ['answers', 'fails', 'hangs', 'answers'];
    const calls = names.map((name, n) => ({ name, args: '{}', id: `c${n}` }));
    const tools = ['answers', 'fails', 'hangs'].map((name) => ({ type: 'function', name }));
    const body = { model: model.script(callsFunctions(...calls), says('done')), input: 'Hi', tools, stream };
    const reply = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify(body),
    });
    const text = await reply.text();
    assert.equal(text.match(/"type":"mcp_call","id"/g)?.length ?? 0, stream ? CALLS * 3 : CALLS, text.slice(0, 500));
  };
  await turn(false);
  for (let attempt = 0; attempt < 60 && resources().TCPSocketWrap !== undefined; attempt++) await sleep(500);
  const before = resources();
  await Promise.all(Array.from({ length: TURNS }, (_, n) => turn(n % 2 === 0)));
  assert.equal(server.asked.length, (TURNS + 1) * CALLS);
  // Connections are kept for some seconds, for the next call; what is left behind never goes.
  for (let attempt = 0; attempt < 60 && !isDeepStrictEqual(resources(), before); attempt++) await sleep(500);
  assert.deepEqual(resources(), before);
  assert.equal(await server.connections(), 0);
});
