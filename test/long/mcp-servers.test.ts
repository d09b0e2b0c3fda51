import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { parseConfig } from '../../handler/index.ts';
import { lacking } from '../clients/install.ts';
import { type RealServer, type RealServers, startNpmServers, startPyPiServers } from '../mcp-servers/start.ts';
import { create, stream } from '../promises/ask.ts';
import { openStream } from '../promises/background.ts';
import { callOf } from '../promises/mcp-ask.ts';
import { findBun } from '../support/doors/bun.ts';
import { findDeno } from '../support/doors/deno.ts';
import { type Door, post, testConfigFile } from '../support/doors/door.ts';
import { openEnvoy } from '../support/doors/envoy.ts';
import { openNodeHttp } from '../support/doors/node-http.ts';
import { openRuntime, type Runtime } from '../support/doors/runtime.ts';
import { openWorkerd } from '../support/doors/workerd.ts';
import { callsFunctions, says, startScriptedModel } from '../support/model/scripted.ts';
import { parseStream } from '../support/sse.ts';

type DoorOf = [name: string, open: (allow: string[]) => Promise<Door>, skip?: string | false];

const doors: DoorOf[] = [
  ['Node', (allow) => openNodeHttp({ allow })],
  ...(['streamed', 'buffered', 'original'] as const).map(
    (mode): DoorOf => [`Envoy, ${mode}`, (allow) => openEnvoy(mode, undefined, { allow })],
  ),
  ['workerd', (allow) => openWorkerd(allow)],
  runtimeDoor('Deno', findDeno()),
  runtimeDoor('Bun', findBun()),
];

function runtimeDoor(name: string, runtime: Runtime | undefined): DoorOf {
  const open = async (allow: string[]) => openRuntime(runtime ?? assert.fail(), false, allow);
  return [name, open, !runtime && 'npm has no binary for this machine'];
}

for (const [origin, start, skip] of [
  ['npm', startNpmServers, false],
  ['PyPI', startPyPiServers, lacking('python3')],
] as const) {
  describe(`MCP servers of ${origin}`, { skip }, () => {
    for (const [name, open, skip = false] of doors) {
      test(`are used through ${name}`, { skip }, async (t) => {
        const real: RealServers = await start();
        t.after(real.stop);
        const door = await open(real.hosts);
        t.after(() => door.close());
        for (const server of real.servers) await uses(door, server);
      });
    }

    test('that die in the middle of a call fail it at once, and the turn goes on', async (t) => {
      const real = await start();
      t.after(real.stop);
      const model = await startScriptedModel();
      t.after(() => model.close());
      const file = testConfigFile(model);
      const config = parseConfig({ ...file, limits: { ...file.limits, tool: '10m', turn: '2m' } });
      const door = { ...(await openNodeHttp({ config, allow: real.hosts })), model };
      t.after(() => door.close());
      const calling = await Promise.all(
        real.servers.map(async (server) => {
          const call = callOf({ label: 'real' }, { name: server.waits, args: { duration: 600, steps: 1 } });
          const script = model.script(callsFunctions(call), says('So be it.'));
          const body = { model: script, input: 'Hi', tools: [entry(server)], stream: true };
          const opened = await openStream(await post(door, body));
          await opened.holds('mcp_call_arguments.done');
          return { server, opened };
        }),
      );
      await setTimeout(1_000); // the calls are with their servers, as far as can be told from here
      await real.stop();
      for (const { server, opened } of calling) {
        const { final } = parseStream(await opened.text);
        assert.equal(final.status, 'completed', server.name);
        const failed = final.output.find((item: { type: string }) => item.type === 'mcp_call');
        assert.partialDeepStrictEqual(
          failed,
          { status: 'failed', error: { type: 'http_error', code: 502 } },
          server.name,
        );
      }
    });
  });
}

const entry = ({ url }: RealServer) => ({
  type: 'mcp',
  server_label: 'real',
  server_url: url,
  require_approval: 'never',
});

async function uses(door: Door, server: RealServer): Promise<void> {
  const tools = [entry(server)];
  const call = (name: string, args: object, id = 'c1') => callOf({ label: 'real' }, { name, args, id });
  const four = [1, 2, 3, 4].map((number) => call(server.adds, { a: 2, b: 3 }, `c${number}`));
  const model = door.model.script(callsFunctions(...four), says('5'));
  const { final } = await stream(door, { model, tools });
  assert.equal(final.status, 'completed', server.name);
  const [list, ...items] = final.output;
  assert.ok(list?.type === 'mcp_list_tools');
  assert.ok(list.tools.some(({ name }) => name === server.adds));
  const calls = items.filter((item) => item.type === 'mcp_call');
  assert.equal(calls.length, 4);
  for (const { output } of calls) assert.ok(output?.includes(server.sum), `${server.name}: ${output}`);
  const wrong = door.model.script(callsFunctions(call(server.adds, { a: 'no number' })), says('So be it.'));
  const failed = (await create(door, { model: wrong, tools })).output.find((item) => item.type === 'mcp_call');
  assert.partialDeepStrictEqual(failed, { status: 'failed', output: null }, server.name);
  if (server.adds !== 'get-sum') return;
  const shows = door.model.script(callsFunctions(call('get-tiny-image', {})), says('A picture.'));
  await create(door, { model: shows, tools });
  assert.match(JSON.stringify(door.model.calls(shows)[1]?.body.messages), /data:image\/png;base64,/, server.name);
}
