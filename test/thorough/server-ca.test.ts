// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how a configuration names variables

import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadConfig } from '../../shim/setup.ts';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { startCommand } from '../support/product.ts';
import { startProxy } from '../support/proxy.ts';
import { authority, certificate, startTlsModel } from '../support/tls-model.ts';

async function start(t: TestContext, file: string, env = {}) {
  const product = await startCommand(['-no-envoy', '-config', file], env);
  t.after(async () => {
    product.kill('SIGKILL');
    await product.exited;
  });
  const turn = async () => {
    const body = JSON.stringify({ model: 'm', input: 'Hi' });
    const headers = { 'content-type': 'application/json' };
    const reply = await fetch(`${product.http}/v1/responses`, { method: 'POST', body, headers });
    await reply.text();
    return reply.status;
  };
  return { ...product, turn };
}

test('the file of `ca` is watched: what is in it counts from then on, and a wrong one changes nothing', async (t) => {
  const { url } = await startTlsModel(t);
  const folder = newFolder();
  const [file, ca] = [join(folder, 'antiphon.yaml'), join(folder, 'ca.pem')];
  writeFileSync(ca, certificate('client.pem'));
  writeFileSync(
    file,
    JSON.stringify({ database: 'sqlite::memory:', models: [{ match: 'm', backend: 'chat', url, ca: '${CA}' }] }),
  );
  const product = await start(t, file, { CA: ca });
  assert.equal(await product.turn(), 500);
  assert.match(product.stdout(), /models\.0\.ca has to be the authority that signed it/);
  writeFileSync(ca, authority);
  await until(async () => (await product.turn()) === 200);
  const reloads = () => product.stdout().match(/the configuration could not be reloaded/g)?.length ?? 0;
  writeFileSync(ca, 'nothing');
  await until(() => reloads() === 1);
  assert.match(product.stdout(), /models\.0\.ca is a file: .*ca\.pem holds no certificate as PEM/);
  assert.equal(await product.turn(), 200, 'the one before stays');
  rmSync(ca);
  await until(() => reloads() === 2);
  writeFileSync(ca, certificate('client.pem'));
  await until(async () => (await product.turn()) === 500);
  assert.doesNotMatch(product.stdout(), /BEGIN CERTIFICATE/);
});

test('a `ca` that cannot be read is refused at start, at its place in the file', async () => {
  const folder = newFolder();
  const at = async (ca: string) => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, `models:\n  - { match: m, backend: chat, url: "https://x/v1", ca: "${ca}" }\n`);
    return loadConfig({ file, env: {} }).then(
      ({ config }) => JSON.stringify(config.models),
      (error) => error.message,
    );
  };
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'large.pem'), authority + ' '.repeat(1024 * 1024));
  writeFileSync(join(folder, 'ours.pem'), authority);
  assert.match(await at(join(folder, 'none.pem')), /:2:57: models\.0\.ca is a file: cannot read .*none\.pem: ENOENT/);
  assert.match(await at(join(folder, 'folder')), /models\.0\.ca is a file: .*folder is no regular file/);
  assert.match(
    await at(join(folder, 'large.pem')),
    /models\.0\.ca is a file: .*large\.pem is larger than 1048576 bytes/,
  );
  assert.match(await at('${NO_SUCH}'), /models\.0\.ca needs the environment variable NO_SUCH/);
  assert.match(await at(join(folder, 'ours.pem')), /BEGIN CERTIFICATE/);
});

test('a proxy may be in a file, whose change counts at once, and its password is in no line', async (t) => {
  const { url } = await startTlsModel(t, { plain: true });
  const proxy = await startProxy();
  t.after(proxy.close);
  const folder = newFolder();
  const [file, secret] = [join(folder, 'antiphon.yaml'), join(folder, 'proxy')];
  writeFileSync(secret, 'http://u:hush-hush@127.0.0.1:1');
  const models = [{ match: 'm', backend: 'chat', url, proxy: { file: secret } }];
  writeFileSync(file, JSON.stringify({ database: 'sqlite::memory:', models }));
  const product = await start(t, file);
  assert.equal(await product.turn(), 500);
  writeFileSync(secret, proxy.url.replace('//', '//u:hush-more@'));
  await until(async () => (await product.turn()) === 200);
  assert.equal(proxy.asked.at(-1)?.credentials, 'u:hush-more');
  const config = await (await fetch(`${product.admin}/config`)).text();
  assert.doesNotMatch(product.stdout() + product.stderr() + config, /hush-/);
});
