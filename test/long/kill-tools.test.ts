import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { newFolder } from '../support/folder.ts';
import { callsFunctions, type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { type ProductProcess, startCommand, writeConfig } from '../support/product.ts';
import { checkStream, parseStream } from '../support/sse.ts';

const TURNS = 20;
const CALLS = 4;

/** What a model reads of a call that nobody knows the end of. */
const UNKNOWN = /not known whether this call was carried out/;

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`${signal} in the middle of the calls of ${TURNS} background turns: none runs twice, and all turns complete`, async (t) => {
    const scripted = await startScriptedModel();
    const service = await startService();
    const products: ProductProcess[] = [];
    t.after(async () => {
      for (const product of products) product.kill('SIGKILL');
      await service.close();
      await scripted.close();
    });
    const dir = newFolder();
    const tool = { name: 'work', description: 'Works.', parameters: { type: 'object' }, url: service.url };
    const config = await writeConfig(dir, {
      database: `sqlite:${join(dir, 'kill.db')}`,
      models: [{ match: '*', backend: 'chat', url: scripted.url }],
      tools: [{ http: { ...tool, method: 'POST', offer: 'always' } }],
      limits: signal === 'SIGKILL' ? { lease: '500ms' } : { lease: '10m', drain: '300ms' },
    });
    const first = await start(products, config);
    const asked = await Promise.all(Array.from({ length: TURNS }, (_, turn) => ask(first, scripted, turn)));
    // Half of the calls are answered, and the others hang.
    await service.hanging((TURNS * CALLS) / 2);
    first.kill(signal);
    await first.exited;
    service.release();

    const second = await start(products, config);
    let [unknown, known] = [0, 0];
    for (const { id, model } of asked) {
      const stream = parseStream(await (await fetch(`${second.http}/v1/responses/${id}?stream=true`)).text());
      checkStream(stream);
      assert.equal(stream.final.status, 'completed', JSON.stringify(stream.final.error));
      const [, told, ...more] = scripted.calls(model);
      assert.deepEqual(more, []);
      const answers = told?.body.messages.slice(-CALLS) ?? [];
      assert.deepEqual(
        answers.map(({ tool_call_id }: { tool_call_id: string }) => tool_call_id),
        Array.from({ length: CALLS }, (_, call) => `c${call}`),
      );
      for (const { content } of answers) {
        if (UNKNOWN.test(content)) unknown++;
        else if (/done/.test(content)) known++;
      }
    }
    assert.equal(unknown + known, TURNS * CALLS);
    assert.ok(unknown >= (TURNS * CALLS) / 2, `${unknown} are not known`);
    assert.deepEqual(service.twice(), [], 'no call came twice');
    assert.equal(service.count(), TURNS * CALLS);
    t.diagnostic(JSON.stringify({ unknown, known }));
    second.kill('SIGTERM');
    assert.equal(await second.exited, 0);
  });
}

async function start(products: ProductProcess[], config: string): Promise<ProductProcess> {
  const product = await startCommand(['-no-envoy', '-log-level', 'error', '-config', config]);
  products.push(product);
  assert.match(product.stderr(), /is ready/, product.stderr());
  return product;
}

async function ask(product: ProductProcess, scripted: ScriptedModel, turn: number) {
  const calls = Array.from({ length: CALLS }, (_, call) => ({
    name: 'work',
    args: JSON.stringify({ key: `${turn}-${call}`, hangs: call % 2 === 1 }),
    id: `c${call}`,
  }));
  const model = scripted.script(callsFunctions(...calls), says('Done.'));
  const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const body = JSON.stringify({ model, input: 'Hi', background: true });
  const reply = await fetch(`${product.http}/v1/responses`, { ...init, body });
  const { id } = (await reply.json()) as { id: string };
  return { id, model };
}

/** A service that counts what it is asked to do, of which some hangs until it is released. */
async function startService() {
  const seen = new Map<string, number>();
  let released = Promise.withResolvers<void>();
  let hanging = 0;
  let changed = Promise.withResolvers<void>();
  const server = createServer(async (req, res) => {
    let text = '';
    for await (const chunk of req) text += chunk;
    const { key, hangs } = JSON.parse(text);
    seen.set(key, (seen.get(key) ?? 0) + 1);
    if (hangs) {
      hanging++;
      changed.resolve();
      await released.promise;
    }
    res.writeHead(200, { 'content-type': 'text/plain' }).end('done');
  });
  server.listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}/work`,
    count: () => seen.size,
    twice: () => [...seen].filter(([, times]) => times > 1),
    async hanging(count: number) {
      while (hanging < count) {
        await changed.promise;
        changed = Promise.withResolvers();
      }
    },
    release() {
      released.resolve();
      released = Promise.withResolvers();
    },
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}
