import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, type TestContext, test } from 'node:test';
import { configureLog, createHandler, parseConfig } from '../../handler/index.ts';
import { serveHttp } from '../../shim/http.ts';
import { serveGrpc } from '../../shim/server.ts';
import { testDatabase } from '../support/doors/database.ts';
import { freePort } from '../support/ports.ts';
import { type Client, kinds, sendTurn } from './caller-client.ts';
import { jwks, token } from './caller-tokens.ts';
import { startOwnEnvoy } from './own-envoy.ts';

const LIMIT = { timeout: 120_000 };
const PROOF = 'the-secret-of-the-tests';
const fixture = (name: string) => new URL(`../fixtures/tls/${name}`, import.meta.url).pathname;

/** The log's lines of requests: who calls stands there. */
const lines: Record<string, unknown>[] = [];
configureLog('info', (line) => lines.push(JSON.parse(line)));
after(() => configureLog('error', () => {}));

/** The product, as an operator's Envoy reaches it: by TCP, with a secret. */
async function startProcessor(t: TestContext, auth: object) {
  const config = parseConfig({ models: [{ match: '*', backend: 'demo' }], auth, proof: { value: PROOF } });
  const { fetch, close } = createHandler({ config, database: await testDatabase() });
  const { proof } = config;
  const limits = { body: 1024 * 1024, reply: 4 * 1024 * 1024, time: 60_000, proof };
  const grpc = await serveGrpc({ address: `127.0.0.1:${await freePort()}`, fetch, limits, log: () => {} });
  const http = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, proof, log: () => {} });
  t.after(async () => {
    await Promise.all([grpc.close(), http.close()]);
    await close(0);
  });
  return { grpc: grpc.port, http: http.port };
}

/** A service for ext_authz: it knows two secrets, and of the second it says no tenant. */
async function startAuthz(t: TestContext): Promise<number> {
  const server = createServer(({ headers }, reply) => {
    if (headers.authorization === 'Bearer of-ann') reply.writeHead(200, { 'x-org': 'acme', 'x-user': 'ann' }).end();
    else if (headers.authorization === 'Bearer of-nobody') reply.writeHead(200, { 'x-user': 'ann' }).end();
    else reply.writeHead(403).end('{}');
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return port;
}

interface Way {
  auth: object;
  /** Whom Envoy knows, and who that is. */
  client: Client;
  is: { tenant?: string; user?: string };
  /** Whom Envoy refuses, or says nothing of: what it says, and we. */
  nobody: [Client, status: number][];
}

const spoofed = {
  'x-org': 'victim',
  'x-user': 'victim',
  'x-client': 'victim',
  'x-client-uri': 'spiffe://acme.example/ns/victim/sa/v',
};
const bearer = (credential: string) => ({ headers: { ...spoofed, authorization: `Bearer ${credential}` } });
const tls = { ca: 'authority.pem', cert: 'client.pem', key: 'client.key' };
const names = { tenant: 'x-org', user: 'x-user' };

const ways: Record<string, Way> = {
  jwt: {
    auth: {
      metadata: { namespace: 'envoy.filters.http.jwt_authn', tenant: 'payload.org', user: 'payload.sub' },
      headers: names,
    },
    client: bearer(token({ org: 'acme', sub: 'ann', n: [null, true, { a: 1.5 }] })),
    is: { tenant: 'acme', user: 'ann' },
    nobody: [
      [{ headers: spoofed }, 401],
      [bearer(token({ sub: 'ann' })), 401],
    ],
  },
  apikey: {
    auth: { headers: { user: 'x-client' } },
    client: bearer('sk-example-of-team-1'),
    is: { tenant: 'default', user: 'team-1' },
    nobody: [[bearer('sk-example-of-team-2'), 401]],
  },
  authz: {
    auth: {
      metadata: { namespace: 'envoy.filters.http.ext_authz', tenant: 'x-org', user: 'x-user' },
      headers: names,
    },
    client: bearer('of-ann'),
    is: { tenant: 'acme', user: 'ann' },
    nobody: [
      [bearer('of-nobody'), 401],
      [bearer('of-somebody'), 403],
    ],
  },
  mtls: {
    auth: { certificate: { pattern: 'spiffe://acme.example/ns/{tenant}/sa/{user}', header: 'x-client-uri' } },
    client: { headers: spoofed, tls },
    is: { tenant: 'acme', user: 'ann' },
    nobody: [[{ headers: spoofed, tls: { ...tls, cert: 'nameless-client.pem', key: 'nameless-client.key' } }, 401]],
  },
  headers: {
    auth: { headers: { tenant: 'x-org' } },
    client: { headers: spoofed },
    is: { tenant: 'acme' },
    nobody: [],
  },
};

for (const file of ['envoy.yaml', 'envoy-buffered.yaml', 'envoy-original.yaml']) {
  for (const [name, { auth, client, is, nobody }] of Object.entries(ways)) {
    test(`${file}, ${name}: Envoy says who calls, whatever the client says`, LIMIT, async (t) => {
      const [{ grpc, http }, authz] = [await startProcessor(t, [{ envoy: auth }]), await startAuthz(t)];
      // biome-ignore lint/suspicious/noExplicitAny: the file was parsed without a schema
      const change = (config: any) => {
        const [chain] = config.static_resources.listeners[0].filter_chains;
        for (const { typed_config } of chain.filters[0].typed_config.http_filters)
          if (typed_config.providers) typed_config.providers.idp.local_jwks = { inline_string: jwks };
        for (const cluster of config.static_resources.clusters)
          if (cluster.name === 'authz')
            cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value = authz;
        const common = chain.transport_socket?.typed_config.common_tls_context;
        if (!common) return;
        common.tls_certificates = [
          { certificate_chain: { filename: fixture('server.pem') }, private_key: { filename: fixture('server.key') } },
        ];
        common.validation_context.trusted_ca.filename = fixture('authority.pem');
      };
      const env = { ANTIPHON_PROOF: PROOF };
      const own = { file, ways: [name, 'proof'], change };
      const origin = await startOwnEnvoy(t, { at: grpc }, { at: http }, env, own);
      for (const kind of kinds) {
        lines.length = 0;
        assert.equal(await sendTurn(origin, kind, client), 200, kind);
        const turns = lines.filter(({ model }) => model === 'demo').map(({ tenant, user }) => ({ tenant, user }));
        assert.deepEqual(turns, [{ tenant: undefined, user: undefined, ...is }], kind);
        for (const [other, status] of nobody) assert.equal(await sendTurn(origin, kind, other), status, kind);
      }
    });
  }
}
