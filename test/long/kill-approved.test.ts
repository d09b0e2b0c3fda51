import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { lacking } from '../clients/install.ts';
import { startPyPiServers } from '../mcp-servers/start.ts';
import { ended } from '../promises/background.ts';
import { callOf } from '../promises/mcp-ask.ts';
import { until } from '../promises/state-ask.ts';
import { type Door, doorAt } from '../support/doors/door.ts';
import { newFolder } from '../support/folder.ts';
import { callsFunctions, type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { type ProductProcess, startCommand, writeConfig } from '../support/product.ts';
import { checkStream, parseStream } from '../support/sse.ts';

// Calls of real MCP servers that a client has approved, whose process dies while they run.

/** Turns at each server. */
const TURNS = 5;

/** What a model reads of a call that nobody knows the end of. */
const UNKNOWN = /not known whether this call was carried out/;

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`${signal} in the middle of approved calls of background turns: none runs twice, and all turns complete`, {
    skip: lacking('python3'),
  }, async (t) => {
    const dir = newFolder();
    const [file, worked] = [join(dir, 'kill.db'), join(dir, 'worked')];
    await writeFile(worked, '');
    const lines = async () => (await readFile(worked, 'utf8')).split('\n').slice(0, -1).sort();
    const real = await startPyPiServers(worked);
    t.after(real.stop);
    const scripted = await startScriptedModel();
    t.after(() => scripted.close());
    const config = await writeConfig(dir, {
      database: `sqlite:${file}`,
      models: [{ match: '*', backend: 'chat', url: scripted.url }],
      mcp: real.servers.map(({ url }, n) => ({ label: `real-${n}`, url })),
      limits: signal === 'SIGKILL' ? { lease: '500ms' } : { lease: '10m', drain: '300ms' },
    });
    const first = await startDoor(t, scripted, config);
    const turns = real.servers.flatMap((_, server) => Array.from({ length: TURNS }, (_, n) => ({ server, n })));
    const asked = await Promise.all(
      turns.map(({ server, n }) => approve(first.door, `real-${server}`, `${server}-${n}`, n % 2 === 1)),
    );
    const keys = asked.flatMap(({ keys }) => keys).sort();
    await until(async () => (await lines()).length === keys.length);
    // The quick ones have ended by then, and what they gave is kept.
    const database = new DatabaseSync(file, { readOnly: true });
    t.after(() => database.close());
    const jobs = database.prepare('SELECT progress FROM jobs');
    const isKept = ({ progress }: Record<string, unknown>) => JSON.parse(String(progress)).running?.items === 3;
    await until(() => jobs.all().filter(isKept).length === asked.length);
    first.product.kill(signal);
    assert.equal(await first.product.exited, signal === 'SIGTERM' ? 0 : null);

    const second = await startDoor(t, scripted, config);
    for (const { id, model, requests, tools, conversation } of asked) {
      const stream = parseStream(await (await second.door.fetch(`/v1/responses/${id}?stream=true`)).text());
      checkStream(stream);
      const { status, output } = await ended(second.door, id);
      assert.equal(status, 'completed');
      const calls = output.filter((item) => item.type === 'mcp_call');
      assert.deepEqual(
        calls.map(({ status, approval_request_id }) => [status, approval_request_id]),
        [
          ['completed', requests[0]],
          ['failed', requests[1]],
        ],
      );
      const told = scripted.calls(model);
      assert.equal(told.length, 2, 'the model was asked for the calls, and once after them');
      checkTold(told[1]?.body.messages);
      const later = scripted.script(says('ok'));
      await second.door.client.responses.create({ model: later, previous_response_id: id, input: 'And now?' });
      checkTold(scripted.calls(later)[0]?.body.messages);
      if (!conversation) continue;
      const [, slow = ''] = requests;
      const again = second.door.client.responses.create({
        ...{ model: later, tools, conversation },
        input: [{ type: 'mcp_approval_response', approval_request_id: slow, approve: true }],
      });
      await assert.rejects(again, { status: 400, message: /answered before/ });
    }
    assert.deepEqual(await lines(), keys, 'each call ran once');
    await second.door.close();
    assert.equal(await second.product.exited, 0);
  });
}

/** What a model reads of both calls: what the quick one gave, and that nobody knows of the other. */
function checkTold(messages: { role: string; content: string }[] = []): void {
  const [quick, slow, ...more] = messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
  assert.match(quick ?? '', /worked \d-\d-quick/);
  assert.match(slow ?? '', UNKNOWN);
  assert.deepEqual(more, []);
}

async function startDoor(
  t: { after(fn: () => Promise<void>): void },
  model: ScriptedModel,
  config: string,
): Promise<{ door: Door; product: ProductProcess }> {
  const product = await startCommand(['-no-envoy', '-log-level', 'error', '-config', config]);
  t.after(async () => {
    product.kill('SIGKILL');
    await product.exited;
  });
  assert.match(product.stderr(), /is ready/, product.stderr());
  const close = async () => product.kill('SIGTERM');
  return { product, door: { ...doorAt('node-http', product.http, model, close), close } };
}

/** A turn that asks for a quick call and a slow one, and one in the background that has both approved. */
async function approve(door: Door, label: string, name: string, isConversation: boolean) {
  const keys = [`${name}-quick`, `${name}-slow`];
  const calls = keys.map((key, n) => callOf({ label }, { name: 'work', args: { key, seconds: n * 60 }, id: `c${n}` }));
  const model = door.model.script(callsFunctions(...calls), says('Done.'));
  const tools = [{ type: 'mcp' as const, server_label: label }];
  const conversation = isConversation ? (await door.client.conversations.create()).id : undefined;
  const turn = { model, tools, background: true, ...(conversation && { conversation }) };
  const first = await door.client.responses.create({ ...turn, input: 'Hi' });
  const requests = (await ended(door, first.id)).output
    .filter((item) => item.type === 'mcp_approval_request')
    .map(({ id }) => id);
  assert.equal(requests.length, 2);
  const { id } = await door.client.responses.create({
    ...turn,
    ...(!conversation && { previous_response_id: first.id }),
    input: requests.map((id) => ({ type: 'mcp_approval_response', approval_request_id: id, approve: true })),
  });
  return { id, model, keys, requests, tools, conversation };
}
