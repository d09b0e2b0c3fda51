import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { askAs, openAs } from '../support/ask-as.ts';
import { newFolder } from '../support/folder.ts';
import { freePort } from '../support/ports.ts';
import { type ProductProcess, startCommand, writeConfig } from '../support/product.ts';
import { startOwnEnvoy, upstreamTls } from './own-envoy.ts';

const LIMIT = { timeout: 120_000 };
const turn = { model: 'demo', input: 'Hi' };
const models = [{ match: '*', backend: 'demo' }];
const PROOF = 'the-secret-of-the-tests';

/** What a browser sends through a public name. */
const page = { host: 'api.public.example', origin: 'https://api.public.example' };

const folder = new URL('../fixtures/tls/', import.meta.url).pathname;
const ours = { cert: `${folder}server.pem`, key: `${folder}server.key` };

/** The product with a configuration that says where it listens, in a folder for its sockets. */
async function open(t: TestContext, config: (dir: string) => object, args: string[] = []): Promise<ProductProcess> {
  const dir = newFolder();
  const { listen, ...rest } = config(dir) as { listen?: object };
  const file = await writeConfig(dir, { models, ...rest, listen: { admin: 'off', ...listen } });
  const product = await startCommand(['-config', file, ...args], {}, 'configured');
  t.after(async () => {
    product.kill('SIGKILL');
    await product.exited;
  });
  assert.match(product.stderr(), /Antiphon is ready/);
  return product;
}

/** Holds an origin to serve a page of a public name, requests and WebSockets. */
async function servesPublic(origin: string): Promise<void> {
  assert.equal((await askAs(origin, page, '/v1/responses', turn)).status, 200);
  assert.equal(await openAs(origin, page), 101);
}

test('an own Envoy over unix sockets serves any name, WebSockets included', LIMIT, async (t) => {
  let dir = '';
  await open(t, (folder) => {
    dir = folder;
    return { listen: { grpc: `unix:${dir}/grpc.sock`, http: `unix:${dir}/http.sock`, envoy: 'off' } };
  });
  await servesPublic(await startOwnEnvoy(t, { at: `${dir}/grpc.sock` }, { at: `${dir}/http.sock` }));
});

test(
  'an own Envoy over TCP serves WebSockets of any name with the proof, and else those of `hosts`',
  LIMIT,
  async (t) => {
    const [grpc, http] = [await freePort(), await freePort()];
    await open(t, () => ({
      listen: { grpc: `127.0.0.1:${grpc}`, http: `127.0.0.1:${http}`, envoy: 'off' },
      proof: { value: PROOF },
      hosts: ['other.example'],
    }));
    await servesPublic(await startOwnEnvoy(t, { at: grpc }, { at: http }, { ANTIPHON_PROOF: PROOF }));

    const without = await startOwnEnvoy(t, { at: grpc }, { at: http });
    assert.equal((await askAs(without, page, '/v1/responses', turn)).status, 200, 'by ext_proc nothing is checked');
    for (const forged of [PROOF, 'another-secret-of-it-all', '']) {
      assert.equal(await openAs(without, { ...page, 'x-antiphon-proof': forged }), 403, 'Envoy overwrites it');
    }
    assert.equal(await openAs(without, { host: 'other.example' }), 101);
  },
);

test('an own Envoy reaches us by TLS with a certificate that we ask for, and no other does', LIMIT, async (t) => {
  const [grpc, http] = [await freePort(), await freePort()];
  const both = { ...ours, clientCa: `${folder}authority.pem` };
  await open(t, () => ({
    listen: { grpc: `127.0.0.1:${grpc}`, http: `127.0.0.1:${http}`, envoy: 'off' },
    tls: { grpc: both, http: both },
    proof: { value: PROOF },
  }));
  const start = (client?: string) => {
    const [one, other] = [grpc, http].map((at) => ({ at, tls: upstreamTls(client) }));
    return startOwnEnvoy(t, one ?? assert.fail(), other ?? assert.fail(), { ANTIPHON_PROOF: PROOF });
  };
  await servesPublic(await start('client'));
  for (const client of [undefined, 'strange-client']) {
    const refused = await start(client);
    assert.equal((await askAs(refused, {}, '/v1/responses', turn)).status, 503, client);
    assert.equal(await openAs(refused, {}), 503, client);
  }
});

test(
  'beyond the loopback HTTP takes any name, and the Envoy that we start goes on asking for `hosts`',
  LIMIT,
  async (t) => {
    const [grpc, http, envoy] = [await freePort(), await freePort(), await freePort()];
    await open(t, () => ({
      listen: { grpc: `0.0.0.0:${grpc}`, http: `0.0.0.0:${http}`, envoy: `0.0.0.0:${envoy}` },
      auth: 'none',
      hosts: ['known.example'],
    }));
    await servesPublic(`http://127.0.0.1:${http}`);
    const origin = `http://127.0.0.1:${envoy}`;
    for (const [host, status] of Object.entries({ 'api.public.example': 403, 'known.example': 200, '10.1.2.3': 200 })) {
      assert.equal((await askAs(origin, { host }, '/v1/responses', turn)).status, status, host);
      assert.equal(await openAs(origin, { host }), status === 200 ? 101 : 403, host);
    }
  },
);

for (const [what, listen] of [
  ['TLS with client certificates is asked for', {}],
  ['gRPC and HTTP are off', { grpc: 'off', http: 'off' }],
] as const) {
  test(
    `the Envoy that we start serves requests and WebSockets when ${what}, and goes on checking names`,
    LIMIT,
    async (t) => {
      const [grpc, http, envoy] = [await freePort(), await freePort(), await freePort()];
      const both = { ...ours, clientCa: `${folder}authority.pem` };
      await open(t, () => ({
        listen: { grpc: `127.0.0.1:${grpc}`, http: `127.0.0.1:${http}`, ...listen, envoy: `127.0.0.1:${envoy}` },
        ...(!('grpc' in listen) && { tls: { grpc: both, http: both } }),
        proof: { value: PROOF },
      }));
      const origin = `http://127.0.0.1:${envoy}`;
      assert.equal((await askAs(origin, {}, '/v1/responses', turn)).status, 200);
      assert.equal(await openAs(origin, {}), 101);
      const proven = { ...page, 'x-antiphon-proof': PROOF };
      assert.equal((await askAs(origin, proven, '/v1/responses', turn)).status, 403);
      assert.equal(await openAs(origin, proven), 403);
      if ('grpc' in listen) await assert.rejects(fetch(`http://127.0.0.1:${http}`), /fetch failed/);
    },
  );
}
