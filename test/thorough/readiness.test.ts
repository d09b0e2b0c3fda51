import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Database } from '../../handler/index.ts';
import { startProduct } from '../../shim/product.ts';
import { until } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { newFolder } from '../support/folder.ts';
import { startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { startCommand, writeConfig } from '../support/product.ts';

/** A product without Envoy, which ends with the test. */
async function start(t: TestContext, args: readonly string[] = []) {
  const product = await startCommand(['-no-envoy', '-log-level', 'error', ...args]);
  t.after(async () => {
    product.kill('SIGKILL');
    await product.exited;
  });
  return product;
}

test('without a database that answers the process is not ready, and it is again once one does', async (t) => {
  const whole = await testDatabase();
  let batch: Database['batch'] = whole.batch;
  let pings = 0;
  const counted: Database['batch'] = (statements) => {
    pings++;
    return batch(statements);
  };
  const door = await openInProcess({ database: { ...whole, batch: counted } });
  t.after(door.close);
  const isReady = async () => (await door.fetch('/readyz')).status === 200;
  assert.ok(await isReady());
  const failing: Database['batch'][] = [
    () => Promise.reject(new Error('gone')),
    () => {
      throw new Error('gone');
    },
    () => new Promise(() => {}),
  ];
  for (const fails of failing) {
    batch = fails;
    await until(async () => !(await isReady()));
    const reply = await door.fetch('/readyz');
    assert.deepEqual(await reply.json(), { status: 'unready', reasons: ['database'] });
    assert.equal((await door.fetch('/livez')).status, 200);
    batch = whole.batch;
    await until(isReady);
  }
  pings = 0;
  await Promise.all(Array.from({ length: 100 }, isReady));
  assert.ok(pings <= 2, 'who asks all the time does not keep the database busy');
});

test('readiness is on plain HTTP and on the admin listener, which has nothing else, and names the reason while it drains', async (t) => {
  const dir = newFolder();
  const model = await startScriptedModel();
  t.after(model.close);
  const product = await start(t, ['-config', await writeConfig(dir, testConfigFile(model))]);
  for (const origin of [product.http, product.admin]) {
    for (const [path, said] of [
      ['livez', 'ok'],
      ['readyz', 'ready'],
    ]) {
      const reply = await fetch(`${origin}/${path}`);
      assert.deepEqual([reply.status, await reply.json()], [200, { status: said }]);
    }
  }
  for (const path of ['/v1/models', '/health', '/', '/livez/x', '/__proto__']) {
    const reply = await fetch(product.admin + path);
    assert.equal(reply.status, 404);
    assert.match(await reply.text(), /"code":"not_found"/);
  }
  const released = Promise.withResolvers<void>();
  const slow = model.script(async (turn) => {
    await turn.text('one ');
    await released.promise;
    await turn.text('two');
    await turn.finish();
  });
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ model: slow, input: 'Hi', stream: true });
  const reply = await fetch(`${product.http}/v1/responses`, { method: 'POST', headers, body });
  product.kill('SIGTERM');
  await until(async () => (await fetch(`${product.admin}/readyz`)).status === 503);
  const ready = await fetch(`${product.admin}/readyz`);
  assert.deepEqual(await ready.json(), { status: 'unready', reasons: ['draining'] });
  assert.equal((await fetch(`${product.admin}/livez`)).status, 200);
  released.resolve();
  assert.match(await reply.text(), /one two[\s\S]*response\.completed/);
  assert.equal(await product.exited, 0);
});

test('a busy admin port names its flag; the admin listener may be off, and a port on the command line wants it', async (t) => {
  const dir = newFolder();
  const product = await start(t);
  const { port } = new URL(product.admin);
  const busy = await start(t, ['-admin-port', port]);
  assert.equal(await busy.exited, 1);
  assert.match(busy.stderr(), new RegExp(`port ${port} is in use: choose another with -admin-port`));
  const off = await writeConfig(dir, { listen: { admin: 'off' }, database: 'sqlite::memory:' });
  const ports = { port: await freePort(), httpPort: await freePort() };
  const without = await startProduct({ flags: { config: off, noEnvoy: true, ...ports } });
  t.after(without.stop);
  assert.equal(without.listen.admin, 'off');
  const wanted = await start(t, ['-config', off]);
  assert.equal((await fetch(`${wanted.admin}/livez`)).status, 200);
});
