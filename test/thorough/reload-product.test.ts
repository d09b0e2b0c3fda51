import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startProduct } from '../../shim/product.ts';
import { callOf } from '../promises/mcp-ask.ts';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { gives } from '../support/mcp-server.ts';
import { callsFunctions, type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';

let model: ScriptedModel;
before(async () => {
  model = await startScriptedModel();
});
after(() => model.close());

const headers = { 'content-type': 'application/json' };

async function start(t: TestContext, config: object | string) {
  const flags = { port: await freePort(), httpPort: await freePort(), adminPort: await freePort(), noEnvoy: true };
  const product = await startProduct(
    typeof config === 'string' ? { flags: { ...flags, config } } : { flags, config: { ...config } },
  );
  t.after(() => product.stop());
  const ask = (name: string, body = JSON.stringify({ model: name, input: 'Hi' })) =>
    fetch(`${product.http}/v1/responses`, { method: 'POST', headers, body });
  return { product, ask };
}

/** A configuration of a root, whose models get this key; `rest` are its other keys. */
const keyed = (key: unknown, rest: object = {}) => ({
  database: 'sqlite::memory:',
  models: [{ match: 'scripted-*', backend: 'chat', url: model.url, key }],
  ...rest,
});

/** The handles of this process by their kinds: those of watches are `fs_event`. */
function handles(): Record<string, number> {
  const { libuv } = process.report.getReport() as { libuv: { type: string }[] }; // Node types it as a mere object
  return Object.fromEntries([...Map.groupBy(libuv, ({ type }) => type)].map(([type, all]) => [type, all.length]));
}

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

test('a root takes another configuration itself, one that is wrong changes nothing, and secrets in files are watched', async (t) => {
  const file = join(newFolder(), 'key');
  writeFileSync(file, 'first');
  const { product, ask } = await start(t, keyed({ file }));
  const name = model.script(says('Hello'));
  const keyOf = async () => {
    assert.equal((await ask(name)).status, 200);
    return model.calls(name).at(-1)?.headers.authorization;
  };
  assert.equal(await keyOf(), 'Bearer first');
  writeFileSync(file, 'second');
  await until(async () => (await keyOf()) === 'Bearer second');
  const { taken } = product.reloads;
  await product.reload(keyed('third'));
  assert.equal(await keyOf(), 'Bearer third');
  await assert.rejects(product.reload(keyed('fourth', { retentoin: '1d' })), /retentoin is not a key.*retention/);
  assert.equal(await keyOf(), 'Bearer third');
  assert.deepEqual([product.reloads.taken, product.reloads.failed, product.reloads.ok], [taken + 1, 1, false]);
  assert.match(product.reloads.error ?? '', /retentoin/);
  await product.reload();
  assert.equal(product.reloads.ok, true);
  assert.equal(await keyOf(), 'Bearer third', 'the last that was taken');
});

test('the limits of the plain HTTP listener change as well: bodies, connections, and what proves an Envoy', async (t) => {
  const limits = (limits: object, value: string) => keyed('k', { limits, proof: { value } });
  const { product, ask } = await start(t, limits({ body: '1KiB' }, 'the-first-proof-1'));
  const name = model.script(says('Hello'));
  const long = JSON.stringify({ model: name, input: 'x'.repeat(2_000) });
  /** The status of a request on a connection of its own, under a name that only an Envoy may have. */
  const proven = (value: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const named = { host: 'api.example', 'x-antiphon-proof': value };
      get(`${product.http}/v1/models`, { agent: false, headers: named }, (reply) => {
        reply.resume();
        resolve(reply.statusCode);
      }).on('error', reject);
    });
  assert.equal((await ask(name, long)).status, 413);
  assert.deepEqual([await proven('the-first-proof-1'), await proven('the-second-proof-2')], [200, 403]);
  await product.reload(limits({ body: '1MiB' }, 'the-second-proof-2'));
  assert.equal((await ask(name, long)).status, 200);
  assert.deepEqual([await proven('the-first-proof-1'), await proven('the-second-proof-2')], [403, 200]);
  await product.reload(limits({ perCaller: { connections: 1 } }, 'the-second-proof-2'));
  assert.equal(await proven('the-second-proof-2'), 429, 'the connection of the requests above is open');
  assert.equal((await ask(name)).status, 200);
  await product.reload(limits({}, 'the-second-proof-2'));
  assert.equal(await proven('the-second-proof-2'), 200);
});

test('two hundred reloads leave nothing behind: no watch, timer, listener or memory', async (t) => {
  const folder = newFolder();
  const [file, key] = [join(folder, 'antiphon.yaml'), join(folder, 'key')];
  const replace = (path: string, text: string) => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  const prompts = Array.from({ length: 100 }, (_, at) => ({
    id: `p${at}`,
    version: '1',
    instructions: 'x'.repeat(1_000),
  }));
  const webhooks = [{ url: model.hooksUrl, secret: 'the secret of the webhooks' }];
  let goesOn = Promise.withResolvers<void>();
  const called = async () => {
    await goesOn.promise;
    return gives('got');
  };
  // What is kept of its list is large, and no model is told of it.
  const large = { name: 'large', description: 'x'.repeat(500_000), run: () => gives('') };
  const server = model.mcp.serve([{ name: 'get', run: called }, large]);
  const tools = [{ type: 'mcp', server_label: 'crm', allowed_tools: ['get'] }];
  const write = (n: number) => {
    replace(key, `key-${n}`);
    const credentials = { authorization: `Bearer credential-${n}` };
    const mcp = [{ label: 'crm', url: server.url, headers: credentials, requireApproval: 'never' }];
    const hosted = { web_search: { provider: 'brave', key: `search-key-${n}` } };
    replace(file, JSON.stringify(keyed({ file: key }, { prompts, webhooks, mcp, hosted, retention: `${n + 1}d` })));
  };
  write(0);
  const { product, ask } = await start(t, file);
  const name = model.script(says('Hello'));
  const calling = model.script((turn) =>
    (turn.body.messages.at(-1).role === 'tool'
      ? says('Done.')
      : callsFunctions(callOf({ label: 'crm' }, { name: 'get', args: {} })))(turn),
  );
  const reload = async (n: number) => {
    // Every tenth is in the middle of a call of a tool.
    const asked = n % 10 === 0 && ask(calling, JSON.stringify({ model: calling, input: 'Hi', tools }));
    if (asked) await until(() => server.of('tools/call').length === n / 10);
    write(n);
    await product.reload();
    if (!asked) return;
    goesOn.resolve();
    const { status, output } = (await (await asked).json()) as { status: string; output: { type: string }[] };
    assert.equal(status, 'completed');
    assert.partialDeepStrictEqual(output[1], { type: 'mcp_call', output: 'got' });
    goesOn = Promise.withResolvers();
    assert.equal((await ask(name)).status, 200);
  };
  const timersNow = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const measure = async () => {
    let timers = Number.POSITIVE_INFINITY; // of those that stay: others come and go
    for (let time = 0; time < 50; time++) {
      await new Promise((resolve) => setTimeout(resolve, 20)); // what the watches have heard is over
      timers = Math.min(timers, timersNow());
    }
    for (let time = 0; time < 5; time++) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const listeners = process.eventNames().reduce((sum, event) => sum + process.listenerCount(event), 0);
    const { fs_event, timer } = handles();
    return {
      fs_event,
      timer,
      timers,
      listeners,
      heap: process.memoryUsage().heapUsed,
    };
  };
  for (let n = 1; n <= 20; n++) await reload(n); // caches and compiled code are there then
  const { heap: before, ...held } = await measure();
  for (let n = 21; n <= 220; n++) await reload(n);
  const { heap: later, ...left } = await measure();
  assert.deepEqual(left, held);
  assert.ok(product.reloads.taken >= 220);
  assert.equal(product.reloads.failed, 0);
  await until(() => server.sessions.size === 0);
  t.diagnostic(JSON.stringify({ ...left, MiB: [before / 2 ** 20, later / 2 ** 20] }));
  assert.ok(later - before < 4 * 2 ** 20, `${later - before} bytes more`);
  await product.reload();
});
