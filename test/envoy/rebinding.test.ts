import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { test } from 'node:test';
import { startEnvoy } from '../../envoy/run.ts';
import { askAs, openAs } from '../support/ask-as.ts';
import { newFolder } from '../support/folder.ts';
import { freePort } from '../support/ports.ts';
import { startCommand, writeConfig } from '../support/product.ts';

const LIMIT = { timeout: 60_000 };
const evil = { host: 'evil.example:10000', origin: 'http://evil.example:10000' };
const turn = { model: 'demo', input: 'Hi' };

test(
  'what listens on the loopback, and the Envoy that we start, refuse the pages of strangers; one that we did not start may have any name',
  LIMIT,
  async (t) => {
    const dir = newFolder();
    const models = [{ match: '*', backend: 'demo' }];
    const config = await writeConfig(dir, {
      models,
      hosts: ['here.example'],
      cors: { origins: ['https://app.example'] },
    });
    const product = await startCommand(['-config', config], { TMPDIR: dir });
    t.after(() => product.kill('SIGKILL'));
    for (const origin of [product.http, product.envoy]) {
      const refused = await askAs(origin, evil, '/v1/responses', turn);
      assert.equal(refused.status, 403, origin);
      assert.match(await refused.text(), /"host_not_allowed"/);
      const page = await askAs(origin, { origin: 'https://evil.example' }, '/v1/responses', turn);
      assert.match(await page.text(), /"origin_not_allowed"/);
      assert.equal((await askAs(origin, { origin: 'https://app.example' }, '/v1/responses', turn)).status, 200);
      for (const host of ['localhost', 'here.example']) {
        assert.equal((await askAs(origin, { host }, '/v1/responses', turn)).status, 200, host);
        assert.equal(await openAs(origin, { host }), 101, host);
      }
      assert.equal(await openAs(origin, evil), 403);
      assert.equal(await openAs(origin, { origin: 'https://evil.example' }), 403);
    }

    const own = await startEnvoy({ mode: 'streamed', grpcPort: product.grpc, envoyPort: await freePort() });
    t.after(own.stop);
    const page = { host: 'api.public.example', origin: 'https://elsewhere.example' };
    assert.equal((await askAs(own.origin, page, '/v1/responses', turn)).status, 200);

    const folders = async () => (await readdir(dir)).filter((name) => name.startsWith('antiphon-'));
    assert.ok((await folders()).length > 0, 'of its sockets');
    product.kill('SIGTERM');
    assert.equal(await product.exited, 0);
    assert.deepEqual(await folders(), [], 'they go with it');
  },
);
