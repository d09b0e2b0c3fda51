import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import {
  type ClientDuplexStream,
  credentials,
  Client as GrpcClient,
  type GrpcObject,
  loadPackageDefinition,
  Metadata,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProcessingRequest, ProcessingResponse } from '../../shim/messages.ts';
import { until } from '../promises/state-ask.ts';
import { newFolder } from '../support/folder.ts';
import { type ProductProcess, startCommand, writeConfig } from '../support/product.ts';
import { type Client, kinds, sendTurn } from './caller-client.ts';
import { forged, jwks, token, unsigned } from './caller-tokens.ts';
import { startOwnEnvoy } from './own-envoy.ts';

const PROOF = 'the-secret-of-the-tests';
const GUESS = 'the-secret-of-the-text!';
const JWT = 'envoy.filters.http.jwt_authn';
const proving = { 'x-antiphon-proof': PROOF };
const spoofed = { 'x-org': 'victim', 'x-user': 'victim', 'x-uri': 'spiffe://lab/ns/victim/sa/victim' };
const victim = { org: 'victim', sub: 'victim' };
const bearer = (credential: string) => ({ ...spoofed, authorization: `Bearer ${credential}` });
const seconds = () => Math.floor(Date.now() / 1_000);

/** One product, as its command starts it, with an Envoy of its own, and three of an operator. */
let product: ProductProcess;
let rewrite: (proof: string) => Promise<void>;
const origins: Record<string, string> = {};
const closes: (() => Promise<void>)[] = [];

before(async () => {
  const written = {
    models: [{ match: '*', backend: 'demo' }],
    auth: [
      {
        envoy: {
          metadata: { namespace: JWT, tenant: 'payload.org', user: 'payload.sub' },
          headers: { tenant: 'x-org', user: 'x-user' },
        },
      },
      { envoy: { certificate: { pattern: 'spiffe://lab/ns/{tenant}/sa/{user}', header: 'x-uri' } } },
    ],
    proof: { value: PROOF },
  };
  const config = await writeConfig(newFolder(), written);
  rewrite = (proof) => writeFile(config, JSON.stringify({ ...written, proof: { value: proof } }));
  product = await startCommand(['-config', config]);
  closes.push(async () => {
    product.kill('SIGTERM');
    await product.exited;
  });
  assert.match(product.stderr(), /Antiphon is ready/);
  const t = { after: (then: () => Promise<void>) => void closes.push(then) };
  // biome-ignore lint/suspicious/noExplicitAny: the file was parsed without a schema
  const filterOf = (config: any) =>
    config.static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0].typed_config;
  const start = (env: object, more: (filter: { rules: object[] }) => void = () => {}) =>
    startOwnEnvoy(t, { at: product.grpc }, { at: Number(new URL(product.http).port) }, env, {
      ways: ['jwt', 'proof'],
      change(config) {
        const filter = filterOf(config);
        filter.providers.idp.local_jwks = { inline_string: jwks };
        filter.providers.idp.claim_to_headers.push({ header_name: 'x-uri', claim_name: 'uri' });
        more(filter);
      },
    });
  origins.envoy = await start({ ANTIPHON_PROOF: PROOF });
  origins.unproved = await start({});
  origins.guessing = await start({ ANTIPHON_PROOF: GUESS });
  origins.lenient = await start({ ANTIPHON_PROOF: PROOF }, (filter) => {
    const either = [{ provider_name: 'idp' }, { allow_missing: {} }];
    filter.rules = [{ match: { prefix: '/' }, requires: { requires_any: { requirements: either } } }];
  });
  origins.ours = product.envoy;
  origins.http = product.http;
});

after(async () => {
  for (const close of closes.reverse()) await close();
});

/** All that strangers send to a port of HTTP: JSON, a stream and over a WebSocket each. */
const strangers: [port: string, what: string, headers: NonNullable<Client['headers']>][] = [
  ['envoy', 'nothing', {}],
  ['envoy', 'headers', spoofed],
  ['envoy', 'an unsigned token', bearer(unsigned(victim))],
  ['envoy', 'a token of somebody else', bearer(forged(victim))],
  ['envoy', 'a token with its last byte changed', bearer(`${token(victim).slice(0, -6)}AAAAAA`)],
  ['envoy', 'a token that has expired', bearer(token({ ...victim, exp: seconds() - 3_600 }))],
  ['envoy', 'a token that is not valid yet', bearer(token({ ...victim, nbf: seconds() + 3_600 }))],
  ['envoy', 'a token for another audience', bearer(token({ ...victim, aud: 'other' }))],
  ['envoy', 'a token of another issuer', bearer(token({ ...victim, iss: 'https://other.example' }))],
  ['envoy', 'a token without a tenant', bearer(token({ sub: 'victim' }))],
  ['envoy', 'the secret, without a token', { ...spoofed, ...proving }],
  ['lenient', 'headers, where no token is needed', spoofed],
  ['lenient', 'the secret, where no token is needed', { ...spoofed, ...proving }],
  ['lenient', 'headers to be dropped on the way', { ...spoofed, connection: 'keep-alive, x-org' }],
  ['unproved', 'a token, through an Envoy without the secret', bearer(token(victim))],
  ['unproved', 'the secret as well', { ...bearer(token(victim)), ...proving }],
  ['guessing', 'a token, through an Envoy with another secret', bearer(token(victim))],
  ['guessing', 'the secret as well', { ...bearer(token(victim)), ...proving }],
  ['ours', 'headers, through the Envoy that we start', spoofed],
  ['ours', 'the secret as well', { ...spoofed, ...proving }],
  ['http', 'headers', spoofed],
  ['http', 'a token', bearer(token(victim))],
  ['http', 'a guess', { ...spoofed, 'x-antiphon-proof': GUESS }],
  ['http', 'the beginning of the secret', { ...spoofed, 'x-antiphon-proof': PROOF.slice(0, -1) }],
  ['http', 'more than the secret', { ...spoofed, 'x-antiphon-proof': `${PROOF}x` }],
  ['http', 'an empty secret', { ...spoofed, 'x-antiphon-proof': '' }],
  ['http', 'the variable', { ...spoofed, 'x-antiphon-proof': '%ENVIRONMENT(ANTIPHON_PROOF)%' }],
  ['http', 'what an Envoy without the secret sends', { ...spoofed, 'x-antiphon-proof': '-' }],
  ['http', 'a guess before the secret', { ...spoofed, 'x-antiphon-proof': [GUESS, PROOF] }],
  ['http', 'the secret twice', { ...spoofed, 'x-antiphon-proof': [PROOF, PROOF] }],
  ['http', 'the secret, and a tenant twice', { ...spoofed, ...proving, 'x-org': ['acme', 'victim'], 'x-uri': '' }],
  ['http', 'the secret, and no user', { ...proving, 'x-org': 'victim' }],
];

/** A call of the gRPC port by a client of one's own. */
interface Call {
  /** Headers of the call. */
  sent?: [name: string, value: string][];
  /** Headers of the request. */
  headers?: Record<string, string>;
  metadata?: Record<string, string>;
  attributes?: Record<string, string>;
  /** Whether it is one of the original mode, which has the body alone. */
  original?: boolean;
}

const { Process } = (
  loadPackageDefinition(
    loadSync(new URL('../../proto/ext_proc.proto', import.meta.url).pathname, { keepCase: true, oneofs: true }),
  ) as unknown as { envoy: { service: { ext_proc: { v3: { ExternalProcessor: { service: GrpcObject } } } } } }
).envoy.service.ext_proc.v3.ExternalProcessor.service as unknown as {
  Process: {
    path: string;
    requestSerialize(message: object): Buffer;
    responseDeserialize(bytes: Buffer): ProcessingResponse;
  };
};

/** A field of a message in bytes, whose length is below 128. */
const field = (number: number, ...parts: (string | Buffer)[]): Buffer => {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
};

/** An envoy.config.core.v3.Metadata of jwt_authn with these claims. */
function claimed(claims: Record<string, string>): Buffer {
  const entries = Object.entries(claims).map(([name, value]) => field(1, field(1, name), field(2, field(3, value))));
  const payload = field(1, field(1, 'payload'), field(2, field(5, ...entries)));
  return field(1, field(1, JWT), field(2, payload));
}

/** The status that the port answers. */
async function call({ sent = [], headers = {}, metadata, attributes = {}, original = false }: Call): Promise<number> {
  const client = new GrpcClient(`127.0.0.1:${product.grpc}`, credentials.createInsecure());
  const own = new Metadata();
  for (const [name, value] of sent) own.add(name, value);
  const stream: ClientDuplexStream<object, ProcessingResponse> = client.makeBidiStreamRequest(
    Process.path,
    Process.requestSerialize,
    Process.responseDeserialize,
    own,
  );
  stream.on('error', () => {});
  const fields = Object.fromEntries(
    Object.entries({
      ...attributes,
      ...(original && { 'request.path': '/v1/responses', "request.headers['content-type']": 'application/json' }),
    }).map(([name, value]) => [name, { stringValue: value, kind: 'stringValue' }]),
  );
  const all = { ':method': 'POST', ':path': '/v1/responses', 'content-type': 'application/json', ...headers };
  const listed = Object.entries(all).map(([key, value]) => ({ key, raw_value: Buffer.from(value) }));
  const request_body = { body: Buffer.from('{"model":"demo","input":"Hi"}'), end_of_stream: true };
  const first: ProcessingRequest = {
    ...(original ? { request_body } : { request_headers: { headers: { headers: listed }, end_of_stream: false } }),
    attributes: { 'envoy.filters.http.ext_proc': { fields } },
    ...(metadata && { metadata_context: claimed(metadata) }),
    protocol_config: { request_body_mode: original ? 2 : 4 },
  };
  stream.write(first);
  if (!original) stream.write({ request_body });
  try {
    const [{ immediate_response }] = (await once(stream, 'data')) as [ProcessingResponse];
    return immediate_response?.status.code ?? 0;
  } finally {
    stream.cancel();
    client.close();
  }
}

const certificate = { 'connection.uri_san_peer_certificate': 'spiffe://lab/ns/victim/sa/victim' };
const proof = (value: string): [string, string] => ['x-antiphon-proof', value];

const callers: [what: string, call: Call][] = [
  ['metadata', { metadata: victim }],
  ['metadata, in the original mode', { metadata: victim, original: true }],
  ['metadata and a guess', { metadata: victim, sent: [proof(GUESS)] }],
  ['metadata and the beginning of the secret', { metadata: victim, sent: [proof(PROOF.slice(0, -1))] }],
  ['metadata and the secret twice', { metadata: victim, sent: [proof(PROOF), proof(PROOF)] }],
  ['metadata and a guess before the secret', { metadata: victim, sent: [proof(GUESS), proof(PROOF)] }],
  ['metadata and an empty secret', { metadata: victim, sent: [proof('')] }],
  ['metadata and the secret in a header of the request', { metadata: victim, headers: proving }],
  [
    'metadata and the secret in an attribute',
    { metadata: victim, original: true, attributes: { "request.headers['x-antiphon-proof']": PROOF } },
  ],
  ['a certificate', { attributes: certificate }],
  ['a certificate, in the original mode', { attributes: certificate, original: true }],
  ['headers', { headers: spoofed }],
  ['headers and the secret of the call', { headers: spoofed, sent: [proof(PROOF)] }],
];

describe('a stranger cannot say who he is', () => {
  for (const [port, what, headers] of strangers) {
    test(`${port}: ${what}`, async () => {
      for (const kind of kinds) {
        const status = await sendTurn(origins[port] ?? '', kind, { headers });
        assert.ok(status === 401 || status === 403, `${kind} ${status}`);
      }
    });
  }
  for (const [what, sent] of callers) {
    test(`gRPC: ${what}`, async () => {
      assert.equal(await call(sent), 401);
    });
  }

  test('while those are known whom a proved Envoy names, and nobody else', async () => {
    const lines = () => product.stdout() + product.stderr();
    assert.doesNotMatch(lines(), /"tenant":/);
    const acme = { ...spoofed, ...bearer(token({ org: 'acme', sub: 'ann' })), ...proving };
    for (const kind of kinds) {
      for (const port of ['envoy', 'lenient'])
        assert.equal(await sendTurn(origins[port] ?? '', kind, { headers: acme }), 200);
    }
    const told = { ...proving, 'x-org': 'acme', 'x-user': 'ann' };
    for (const kind of kinds) assert.equal(await sendTurn(product.http, kind, { headers: told }), 200, kind);
    for (const original of [false, true]) {
      const sent = [proof(PROOF)];
      assert.equal(await call({ metadata: { org: 'acme', sub: 'ann' }, sent, original, headers: spoofed }), 200);
      const attributes = { 'connection.uri_san_peer_certificate': 'spiffe://lab/ns/acme/sa/ann' };
      assert.equal(await call({ attributes, sent, original, headers: spoofed }), 200);
    }
    const named = [...lines().matchAll(/"tenant":"([^"]*)"/g)].map(([, name]) => name);
    assert.deepEqual([...new Set(named)], ['acme']);
    assert.doesNotMatch(lines(), new RegExp(PROOF));
  });

  test('and one that had the secret until another came', async () => {
    await rewrite(GUESS);
    await until(() => /configuration.*"proof"/.test(product.stdout() + product.stderr()));
    const told = (value: string) => ({ 'x-antiphon-proof': value, 'x-org': 'acme', 'x-user': 'ann' });
    const metadata = { org: 'acme', sub: 'ann' };
    for (const [secret, status] of [
      [PROOF, 401],
      [GUESS, 200],
    ] as const) {
      for (const kind of kinds)
        assert.equal(await sendTurn(product.http, kind, { headers: told(secret) }), status, kind);
      assert.equal(await call({ metadata, sent: [proof(secret)] }), status);
    }
  });
});
