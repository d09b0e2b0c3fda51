import assert from 'node:assert/strict';
import { request } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { WebSocket } from 'ws';
import type { Caller, Vouched } from '../handler/caller.ts';
import { openIdentify } from '../handler/identity/open-identify.ts';
import { StoredKeys } from '../handler/identity/stored-keys.ts';
import { parseConfig } from '../handler/index.ts';
import { serveHttp } from '../shim/http.ts';
import { isProof } from '../shim/proof.ts';
import type { Ingress } from '../shim/session.ts';
import { serveExchange } from '../shim/session.ts';
import { vouchedOf } from '../shim/vouched.ts';
import { newFolder } from './support/folder.ts';
import { freePort } from './support/ports.ts';
import { FakeExchange, head, options } from './support/shim-fake-exchange.ts';

const storedKeys = new StoredKeys(async () => undefined);

/** Who that is, by these entries; the words of the refusal for nobody. */
async function identified(entries: object[], vouched: Vouched | undefined, headers: Record<string, string> = {}) {
  const { auth } = parseConfig({ auth: entries.map((envoy) => ({ envoy })) });
  assert.ok(Array.isArray(auth));
  try {
    const { id, ...caller } = await openIdentify(auth, { storedKeys })(new Request('http://x/', { headers }), {
      vouched,
    });
    assert.deepEqual(JSON.parse(id), [caller.tenant, caller.user ?? null]);
    return caller;
  } catch (error) {
    assert.ok(error instanceof Error && 'kind' in error, String(error));
    assert.equal(error.kind, 'credentials');
    return error.message;
  }
}

const NS = 'envoy.filters.http.jwt_authn';
const byClaims = { metadata: { namespace: NS, tenant: 'payload.org', user: 'payload.sub' } };
const byMore = {
  metadata: { ...byClaims.metadata, project: ['payload', 'https://acme.example/project'], scopes: 'payload.scope' },
};
const byHeaders = { headers: { tenant: 'x-org', user: 'x-user', scopes: 'x-scope' } };
const sent = { 'x-org': 'acme', 'x-user': 'ann', 'x-scope': 'read write openid' };
const ann = { tenant: 'acme', user: 'ann' };
const claims = (payload: object, attributes = {}): Vouched => ({ metadata: { [NS]: { payload } }, attributes });
const certificate = (value: unknown, field = 'uri_san'): Vouched => ({
  metadata: {},
  attributes: { [`connection.${field}_peer_certificate`]: value },
});
const uri = { certificate: { pattern: 'spiffe://lab/ns/{tenant}/sa/{user}' } };
const inHeader = { certificate: { ...uri.certificate, header: 'x-client-uri' } };
const sentUri = 'spiffe://lab/ns/acme/sa/ann';
const subject = { certificate: { field: 'subject', pattern: 'CN={user},O={tenant}' } };
const dns = { certificate: { field: 'dns', pattern: '{user}.{tenant}.lab' } };
const nobody = /no credential/;

const rows: [what: string, entries: object[], vouched: Vouched | undefined, headers: object, is: object | RegExp][] = [
  ['claims', [byClaims], claims({ org: 'acme', sub: 'ann' }), {}, ann],
  [
    'claims and no headers',
    [{ ...byClaims, ...byHeaders }],
    claims({ org: 'acme', sub: 'ann' }),
    { 'x-org': 'b' },
    ann,
  ],
  ['a name in other letters', [byClaims], claims({ org: 'Zürich', sub: '名' }), {}, { tenant: 'Zürich', user: '名' }],
  ['a whole number', [byClaims], claims({ org: 7, sub: 'ann' }), {}, { tenant: '7', user: 'ann' }],
  ['a number that may be two', [byClaims], claims({ org: 2 ** 53, sub: 'ann' }), {}, /tenant .* no name/],
  ['a fraction', [byClaims], claims({ org: 0.5, sub: 'ann' }), {}, /tenant .* no name/],
  ['a list', [byClaims], claims({ org: ['acme'], sub: 'ann' }), {}, /tenant .* no name/],
  ['an object', [byClaims], claims({ org: 'acme', sub: { toString: 'ann' } }), {}, /user .* no name/],
  ['true', [byClaims], claims({ org: true, sub: 'ann' }), {}, /tenant .* no name/],
  ['a control', [byClaims], claims({ org: 'acme\u001fann', sub: 'ann' }), {}, /tenant .* no name/],
  ['a long name', [byClaims], claims({ org: 'acme', sub: 'a'.repeat(257) }), {}, /user .* no name/],
  ['no tenant', [byClaims], claims({ sub: 'ann' }), {}, /does not say the tenant/],
  ['an empty tenant', [byClaims], claims({ org: '', sub: 'ann' }), {}, /does not say the tenant/],
  ['no user', [byClaims], claims({ org: 'acme', sub: null }), {}, /does not say the user/],
  ['neither', [byClaims], claims({ iss: 'lab' }), {}, nobody],
  ['no metadata', [byClaims], { metadata: {}, attributes: {} }, {}, nobody],
  [
    'metadata of another filter',
    [byClaims],
    { metadata: { other: { payload: { org: 'acme', sub: 'ann' } } } },
    {},
    nobody,
  ],
  [
    'what every object has',
    [{ metadata: { namespace: NS, user: 'payload.constructor.name' } }],
    claims({}),
    {},
    nobody,
  ],
  [
    'the member of a text',
    [{ metadata: { namespace: NS, user: 'payload.sub.length' } }],
    claims({ sub: 'ann' }),
    {},
    nobody,
  ],
  ['headers by ext_proc beside metadata', [{ ...byClaims, ...byHeaders }], claims({}), sent, nobody],
  ['headers by ext_proc beside a certificate', [inHeader], certificate(''), { 'x-client-uri': sentUri }, nobody],
  ['a certificate in a header', [inHeader], {}, { 'x-client-uri': sentUri }, ann],
  ['two names in a header', [inHeader], {}, { 'x-client-uri': `${sentUri},urn:x` }, /uri .* not as/],
  ['two headers of a certificate', [inHeader], {}, { 'x-client-uri': `${sentUri}, ${sentUri}` }, /more than one value/],
  ['no header of a certificate', [inHeader], {}, sent, nobody],
  [
    'two whole URIs',
    [{ certificate: { header: 'x-client-uri' } }],
    {},
    { 'x-client-uri': 'urn:a,urn:b' },
    /uri .* not as/,
  ],
  [
    'a user alone',
    [{ metadata: { namespace: NS, user: 'payload.sub' } }],
    claims({ sub: 'ann' }),
    {},
    { tenant: 'default', user: 'ann' },
  ],
  [
    'project and scopes',
    [byMore],
    claims({ org: 'acme', sub: 'ann', 'https://acme.example/project': 'p', scope: 'admin read x' }),
    {},
    { ...ann, project: 'p', scopes: ['read', 'admin'] },
  ],
  [
    'a list of scopes',
    [byMore],
    claims({ org: 'acme', sub: 'ann', scope: ['write', 7] }),
    {},
    { ...ann, scopes: ['write'] },
  ],
  ['no scopes', [byMore], claims({ org: 'acme', sub: 'ann' }), {}, { ...ann, scopes: [] }],
  ['headers', [byHeaders], {}, sent, { ...ann, scopes: ['read', 'write'] }],
  ['headers by ext_proc', [byHeaders], { metadata: {}, attributes: {} }, sent, { ...ann, scopes: ['read', 'write'] }],
  [
    'headers on plain HTTP beside metadata',
    [{ ...byClaims, ...byHeaders }],
    {},
    sent,
    { ...ann, scopes: ['read', 'write'] },
  ],
  ['metadata alone on plain HTTP', [byClaims], {}, sent, nobody],
  ['a header of two values', [byHeaders], {}, { ...sent, 'x-org': 'other, acme' }, /x-org has more than one value/],
  ['scopes of two headers', [byHeaders], {}, { ...sent, 'x-scope': 'admin, read' }, /x-scope has more than one value/],
  [
    'a header in UTF-8',
    [byHeaders],
    {},
    { ...sent, 'x-org': 'Z\u00c3\u00bcrich' },
    { tenant: 'Zürich', user: 'ann', scopes: ['read', 'write'] },
  ],
  ['a header in Latin-1', [byHeaders], {}, { ...sent, 'x-org': 'Z\u00fcrich' }, /x-org is not UTF-8/],
  ['headers that nobody vouches for', [byHeaders], undefined, sent, nobody],
  ['nothing that anybody vouches for', [byClaims], undefined, {}, nobody],
  ['a URI', [uri], certificate('spiffe://lab/ns/acme/sa/ann'), {}, ann],
  ['a longer URI', [uri], certificate('spiffe://lab/ns/acme/sa/ann/x'), {}, /uri .* not as/],
  ['a URI with a line', [uri], certificate('spiffe://lab/ns/acme/sa/ann\nspiffe://lab/ns/b/sa/b'), {}, /uri .* not as/],
  ['another URI', [uri], certificate('spiffe://else/ns/acme/sa/ann'), {}, /uri .* not as/],
  [
    'a whole URI',
    [{ certificate: {} }],
    certificate('spiffe://lab/ann'),
    {},
    { tenant: 'default', user: 'spiffe://lab/ann' },
  ],
  ['a subject', [subject], certificate('CN=ann,O=acme', 'subject'), {}, ann],
  ['a subject that says it twice', [subject], certificate('CN=ann,O=other,O=acme', 'subject'), {}, /subject .* not as/],
  [
    'a subject with an escaped comma',
    [subject],
    certificate('CN=ann\\,O=other,O=acme', 'subject'),
    {},
    /subject .* not as/,
  ],
  ['a DNS name', [dns], certificate('ann.acme.lab', 'dns_san'), {}, ann],
  ['a DNS name with more', [dns], certificate('x.ann.acme.lab', 'dns_san'), {}, /dns .* not as/],
  ['a DNS name with another dot', [dns], certificate('ann.acmexlab', 'dns_san'), {}, /dns .* not as/],
  ['no certificate', [uri], certificate(undefined), {}, nobody],
  ['a certificate on plain HTTP', [uri], {}, sent, nobody],
  ['the entry behind', [byClaims, uri], certificate('spiffe://lab/ns/acme/sa/ann'), {}, ann],
  [
    'not the entry behind',
    [byClaims, uri],
    { ...certificate('spiffe://lab/ns/acme/sa/ann'), ...claims({ sub: 'x' }) },
    {},
    /tenant/,
  ],
];

describe('who calls, as a proved Envoy says', () => {
  for (const [what, entries, vouched, headers, is] of rows) {
    test(what, async () => {
      const caller: string | Omit<Caller, 'id'> = await identified(entries, vouched, { ...headers });
      if (is instanceof RegExp) assert.match(String(caller), is);
      else assert.deepEqual(caller, is);
    });
  }
});

const PROOF = { header: 'x-antiphon-proof', value: 'a-secret-of-the-tests' };
const proving = { [PROOF.header]: PROOF.value };

describe('what proves on plain HTTP that an Envoy is ours', () => {
  /** What the handler sees of a request with these headers: who vouches, and the proof that is left. */
  async function seen(
    t: { after(close: () => unknown): void },
    server: object,
    headers: Record<string, string | string[]>,
  ) {
    const at = { host: '127.0.0.1', port: await freePort() };
    const reply = (request: Request, { vouched }: Ingress) =>
      Response.json([vouched ?? null, request.headers.get(PROOF.header)], { status: 403 });
    const running = await serveHttp({ ...at, fetch: reply, log: () => {}, ...server });
    t.after(running.close);
    const target = 'path' in server ? { socketPath: server.path as string } : { host: at.host, port: running.port };
    const plain = await new Promise((resolve, reject) => {
      const client = request({ ...target, agent: false, headers });
      client.once('error', reject).once('response', (reply) => json(reply).then(resolve, reject));
      client.end();
    });
    const socket = new WebSocket('path' in server ? `ws+unix:${server.path}:/` : `ws://${at.host}:${running.port}/`, {
      headers,
    });
    const overSocket = await new Promise((resolve, reject) => {
      socket.once('error', reject).once('unexpected-response', (_, reply) => json(reply).then(resolve, reject));
    });
    assert.deepEqual(overSocket, plain);
    return plain;
  }

  for (const [what, server, headers, is] of [
    ['nothing', {}, proving, [null, PROOF.value]],
    ['the secret', { proof: PROOF }, proving, [{}, null]],
    ['not another', { proof: PROOF }, { [PROOF.header]: 'b-secret-of-the-tests' }, [null, null]],
    ['not the beginning', { proof: PROOF }, { [PROOF.header]: 'a-secret' }, [null, null]],
    ['not the secret twice', { proof: PROOF }, { [PROOF.header]: [PROOF.value, PROOF.value] }, [null, null]],
    ['not the secret and another', { proof: PROOF }, { [PROOF.header]: ['x', PROOF.value] }, [null, null]],
    ['not no secret', { proof: PROOF }, {}, [null, null]],
    ['not both, joined', { proof: PROOF }, { [PROOF.header]: `${PROOF.value}, ${PROOF.value}` }, [null, null]],
    ['not of the Envoy that we start', { proof: PROOF, vouches: false }, {}, [null, null]],
  ] as const) {
    test(what, async (t) => {
      assert.deepEqual(await seen(t, server, { ...headers } as Record<string, string | string[]>), is);
    });
  }

  test('a unix socket, unless it is said that it does not', async (t) => {
    const path = join(newFolder(), 's');
    assert.deepEqual(await seen(t, { path }, {}), [{}, null]);
    assert.deepEqual(await seen(t, { path: `${path}2`, vouches: false }, {}), [null, null]);
  });
});

describe('what proves by ext_proc that an Envoy is ours', () => {
  const seen = async (more: { vouches?: boolean; proof?: typeof PROOF }, values: string[], headers: object = {}) => {
    let is: unknown;
    const exchange = Object.assign(new FakeExchange().push(head('GET', { headers })), {
      hasProof: (proof: typeof PROOF) => isProof(values, proof),
    });
    const { vouches, proof } = more;
    const limited = { ...options({ proof }), ...(vouches !== undefined && { vouches }) };
    const answer = (request: Request, { vouched }: Ingress) => {
      is = [vouched && { ...vouched }, request.headers.get(PROOF.header)];
      return new Response();
    };
    await serveExchange(exchange, answer, limited);
    return is;
  };
  const said = { metadata: {}, attributes: {} };

  for (const [what, more, values, headers, is] of [
    ['nothing', {}, [PROOF.value], proving, [undefined, PROOF.value]],
    ['the secret of the call', { proof: PROOF }, [PROOF.value], {}, [said, null]],
    ['not the secret of the request', { proof: PROOF }, [], proving, [undefined, null]],
    ['not another', { proof: PROOF }, ['b-secret-of-the-tests'], proving, [undefined, null]],
    ['not the secret twice', { proof: PROOF }, [PROOF.value, PROOF.value], {}, [undefined, null]],
    ['not an empty one', { proof: PROOF }, [''], {}, [undefined, null]],
    ['a listener that has nobody else', { vouches: true }, [], {}, [said, null]],
  ] as const) {
    test(what, async () => {
      assert.deepEqual(await seen(more, [...values], { ...headers }), is);
    });
  }
});

test('metadata that are broken are an error, and never take long', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (metadata_context) => {
      try {
        assert.equal(typeof vouchedOf({ metadata_context }).metadata, 'object');
      } catch (error) {
        assert.ok(error instanceof RangeError || error instanceof TypeError, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});
