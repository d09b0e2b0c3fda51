import assert from 'node:assert/strict';
import { createHmac, type webcrypto } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { exportSPKI, importJWK } from 'jose';
import { newKey } from '../handler/identity/key.ts';
import { createHandler, parseConfig, readConfig } from '../handler/index.ts';
import { serveHttp } from '../shim/http.ts';
import { libraries } from '../shim/libraries.ts';
import { testDatabase } from './support/doors/database.ts';
import { type InProcess, openInProcess, testHandler } from './support/doors/in-process.ts';
import { AUDIENCE, entryFor, type Issuer, type IssuerKey, newIssuerKey, openIssuer } from './support/issuer.ts';
import { startScriptedModel } from './support/model/scripted.ts';
import { freePort } from './support/ports.ts';
import { openSocket } from './support/socket.ts';

const { verifyJwt } = libraries;

let es: IssuerKey;
let rsa: IssuerKey;
let stranger: IssuerKey;
let issuer: Issuer;

before(async () => {
  [es, rsa, stranger] = await Promise.all([
    newIssuerKey('ES256', 'k1'),
    newIssuerKey('RS256', 'k2'),
    newIssuerKey('ES256', 'k1'),
  ]);
  issuer = await openIssuer([es, rsa]);
});
after(() => issuer.close());

/** A door whose `auth` is that. */
async function withAuth(auth: object[], more: object = {}) {
  return openInProcess({ config: parseConfig({ auth, ...more }), verifyJwt });
}

/** Status and message of an answer to whoever shows that. */
async function ask({ fetch }: InProcess, token: string | undefined, path = '/v1/models', init: RequestInit = {}) {
  const reply = await fetch(path, {
    ...init,
    headers: { ...init.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  });
  const body = (await reply.json()) as { id: string; error?: { code: string; message: string } };
  return { status: reply.status, says: body.error?.message ?? '', body, headers: reply.headers };
}

const create = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'demo', input: 'Hi' }),
};

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** A token with an HMAC in place of its signature. */
function withHmac(header: object, claims: object, secret: string): string {
  const text = `${encoded(header)}.${encoded(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** What a token claims that is right. */
function right(): Record<string, unknown> {
  return { iss: issuer.name, aud: AUDIENCE, sub: 'ann', org: 'acme', exp: Math.floor(Date.now() / 1000) + 600 };
}

const now = () => Math.floor(Date.now() / 1000);

/** Attempts to be somebody, and what is said of each. */
const attacks: Record<string, [token: () => string | Promise<string>, says: RegExp]> = {
  'no signature, by alg none': [() => `${encoded({ alg: 'none' })}.${encoded(right())}.`, /algorithm/],
  'alg None': [() => `${encoded({ alg: 'None' })}.${encoded(right())}.`, /algorithm/],
  'alg none with a signature': [
    async () => `${encoded({ alg: 'none' })}.${encoded(right())}.${(await issuer.token()).split('.')[2]}`,
    /algorithm/,
  ],
  'an empty signature': [async () => (await issuer.token()).replace(/[^.]*$/, ''), /signature|as a token has to be/],
  'a signature of zeros': [
    async () => (await issuer.token()).replace(/[^.]*$/, Buffer.alloc(64).toString('base64url')),
    /signature/,
  ],
  'HS256 with the public key as JSON': [
    () => withHmac({ alg: 'HS256', kid: 'k2' }, right(), JSON.stringify(rsa.jwk)),
    /algorithm/,
  ],
  'HS256 with the public key as PEM': [
    async () =>
      withHmac(
        { alg: 'HS256', kid: 'k2' },
        right(),
        await exportSPKI((await importJWK(rsa.jwk)) as webcrypto.CryptoKey),
      ),
    /algorithm/,
  ],
  'HS256 with an empty secret': [() => withHmac({ alg: 'HS256' }, right(), ''), /algorithm/],
  'an algorithm that does not fit the key': [() => issuer.token({}, { kid: 'k2' }), /none of the keys/],
  'a key of the same name that is another': [() => issuer.token({}, {}, stranger), /signature/],
  'a key nobody has': [() => issuer.token({}, { kid: 'k9' }, stranger), /none of the keys/],
  'a kid that is a path': [() => issuer.token({}, { kid: '../../../../dev/null' }, stranger), /none of the keys/],
  'a kid that is SQL': [() => issuer.token({}, { kid: "' or 1=1 --" }, stranger), /none of the keys/],
  'a kid of objects': [() => issuer.token({}, { kid: '__proto__' }, stranger), /none of the keys/],
  'a kid that is no text': [
    async () => `${encoded({ alg: 'ES256', kid: ['k1'] })}.${encoded(right())}.${(await issuer.token()).split('.')[2]}`,
    /none of the keys|signature|as a token/,
  ],
  'its own key in jwk': [() => issuer.token({}, { jwk: stranger.jwk } as object, stranger), /signature/],
  'an address of keys in jku': [() => issuer.token({}, { jku: `${evil.jwks}` }, stranger), /signature/],
  'an address of certificates in x5u': [() => issuer.token({}, { x5u: `${evil.jwks}` }, stranger), /signature/],
  'a certificate in x5c': [() => issuer.token({}, { x5c: ['MIIB'] }, stranger), /signature/],
  'another payload': [
    async () => {
      const [header, , signature] = (await issuer.token()).split('.');
      return `${header}.${encoded({ ...right(), org: 'other' })}.${signature}`;
    },
    /signature/,
  ],
  'another header': [
    async () => {
      const [, payload, signature] = (await issuer.token()).split('.');
      return `${encoded({ alg: 'ES256', kid: 'k1', typ: 'JWT' })}.${payload}.${signature}`;
    },
    /signature/,
  ],
  'a critical extension': [() => withHeader({ crit: ['bill'], bill: 1 }), /extension/],
  'an empty list of critical extensions': [() => withHeader({ crit: [] }), /as a token has to be/],
  'a payload that is not encoded': [() => withHeader({ crit: ['b64'], b64: false }), /as a token|signature/],
  expired: [() => issuer.token({ exp: now() - 31 }), /expired/],
  'expired long ago': [() => issuer.token({ exp: 1 }), /expired/],
  'without exp': [() => issuer.token({ exp: undefined as never }), /does not say when it expires/],
  'exp as a text': [() => issuer.token({ exp: '9999999999' as never }), /does not say when it expires/],
  'exp of null': [() => issuer.token({ exp: null as never }), /does not say when it expires/],
  'not valid yet': [() => issuer.token({ nbf: now() + 60 }), /not valid yet/],
  'another audience': [() => issuer.token({ aud: 'others' }), /audience/],
  'no audience': [() => issuer.token({ aud: undefined as never }), /audience/],
  'an audience that begins like ours': [() => issuer.token({ aud: 'antiphon.evil' }), /audience/],
  'an audience in other letters': [() => issuer.token({ aud: 'Antiphon' }), /audience/],
  'another issuer': [() => issuer.token({ iss: 'https://evil.test' }), /no credential/],
  'an issuer with a slash more': [() => issuer.token({ iss: `${issuer.name}/` }), /no credential/],
  'a list of issuers': [() => issuer.token({ iss: [issuer.name] as never }), /no credential/],
  'no issuer': [() => issuer.token({ iss: undefined as never }), /no credential/],
  'a token that ends a session': [() => issuer.token({}, { typ: 'logout+jwt' }), /type/],
  'a proof of a key': [() => issuer.token({}, { typ: 'dpop+jwt' }), /type/],
  'no tenant': [() => issuer.token({ org: undefined }), /lacks the claim `org`/],
  'a tenant of null': [() => issuer.token({ org: null }), /`org`.*no name/],
  'an empty tenant': [() => issuer.token({ org: '' }), /`org`.*no name/],
  'a list of tenants': [() => issuer.token({ org: ['acme'] }), /`org`.*no name/],
  'a number as tenant': [() => issuer.token({ org: 7 }), /`org`.*no name/],
  'a tenant that is an object': [() => issuer.token({ org: { toString: 'acme' } }), /`org`.*no name/],
  'a tenant with a separator': [() => issuer.token({ org: 'acme\u001fann' }), /`org`.*no name/],
  'a tenant of half a character': [() => issuer.token({ org: 'acme\ud800' }), /`org`.*no name/],
  'a tenant that is too long': [() => issuer.token({ org: 'a'.repeat(257) }), /`org`.*no name/],
  'no user': [() => issuer.token({ sub: undefined as never }), /lacks the claim `sub`/],
  'a user with a line break': [() => issuer.token({ sub: 'ann\nbob' }), /`sub`.*no name/],
  'a huge token': [() => issuer.token({ groups: 'g'.repeat(20_000) }), /too long/],
  'an opaque token': [() => 'mF_9.B5f-4.1JqM', /no credential/],
  'an encrypted token': [() => 'eyJhbGciOiJkaXIifQ..a.b.c', /no credential/],
  dots: [() => '.'.repeat(16_000), /no credential/],
  'a deep payload': [() => `${encoded({ alg: 'ES256' })}.${deep()}.x`, /no credential/],
};

/** JSON that is nested as deep as a header can hold. */
function deep(): string {
  return Buffer.from(`{"iss":${'['.repeat(20_000)}${']'.repeat(20_000)}}`).toString('base64url');
}

/** A token that is signed by the right key, whose header says more; `SignJWT` would refuse to make some of them. */
async function withHeader(more: object): Promise<string> {
  const text = `${encoded({ alg: 'ES256', kid: 'k1', ...more })}.${encoded(right())}`;
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const signature = await crypto.subtle.sign(algorithm, es.privateKey, Buffer.from(text));
  return `${text}.${Buffer.from(signature).toString('base64url')}`;
}

let evil: Issuer;

describe('attempts to be somebody else', () => {
  let door: InProcess;
  before(async () => {
    evil = await openIssuer([stranger]);
    door = await withAuth([entryFor(issuer)]);
  });
  after(async () => {
    await door.close();
    await evil.close();
  });

  for (const [name, [make, says]] of Object.entries(attacks)) {
    test(name, async () => {
      const token = await make();
      const reply = await ask(door, token);
      assert.equal(reply.status, 401);
      assert.equal(reply.body.error?.code, 'invalid_api_key');
      assert.equal(reply.headers.get('www-authenticate'), 'Bearer');
      assert.match(reply.says, says);
      for (const part of token.split('.').filter((part) => part.length > 3)) assert.ok(!reply.says.includes(part));
    });
  }

  test('nobody’s address was asked for keys', () => assert.equal(evil.asked, 0));

  test('and the token that is right is taken', async () => {
    assert.equal((await ask(door, await withHeader({}))).status, 200);
    assert.equal((await ask(door, await issuer.token())).status, 200);
  });
});

describe('what is taken', () => {
  test('each algorithm that is allowed, each type of access tokens, lists of audiences, and clocks 30 s apart', async (t) => {
    const door = await withAuth([entryFor(issuer)]);
    t.after(door.close);
    for (const token of [
      issuer.token({}, {}, rsa),
      issuer.token({}, { typ: 'JWT' }),
      issuer.token({}, { typ: 'application/AT+jwt' }),
      issuer.token({ aud: ['others', AUDIENCE] }),
      issuer.token({ exp: now() - 20 }),
      issuer.token({ nbf: now() + 20 }),
    ])
      assert.equal((await ask(door, await token)).status, 200);
    assert.equal((await door.fetch('/v1/models', { headers: { 'x-api-key': await issuer.token() } })).status, 200);
  });

  test('what is configured: other algorithms, types and clocks are refused', async (t) => {
    const door = await withAuth([entryFor(issuer, { algorithms: ['RS256'], types: ['at+jwt'], skew: '5s' })]);
    t.after(door.close);
    const typ = 'at+jwt';
    assert.equal((await ask(door, await issuer.token({}, { typ }, rsa))).status, 200);
    assert.match((await ask(door, await issuer.token({}, { typ }))).says, /algorithm/);
    assert.match((await ask(door, await issuer.token({}, {}, rsa))).says, /type/);
    assert.match((await ask(door, await issuer.token({ exp: now() - 10 }, { typ }, rsa))).says, /expired/);
  });

  test('keys without names: one of those that fit has to be right', async (t) => {
    const unnamed = await Promise.all([newIssuerKey('ES256', null), newIssuerKey('ES256', null)]);
    const [, second] = unnamed;
    const other = await openIssuer(unnamed);
    t.after(other.close);
    const door = await withAuth([entryFor(other)]);
    t.after(door.close);
    assert.equal((await ask(door, await other.token())).status, 200);
    assert.equal((await ask(door, await other.token({}, {}, second))).status, 200);
    assert.match((await ask(door, await other.token({}, {}, { ...stranger, jwk: {} }))).says, /signature/);
  });

  test('claims by a name with dots, or by a path; projects where there are some; our own scopes', async (t) => {
    const claims = { tenant: 'https://acme.test/org.id', user: 'who.name', project: 'p', scopes: 'scope' };
    const door = await withAuth([entryFor(issuer, { claims })], { isolation: 'user' });
    t.after(door.close);
    const token = (scope: unknown, more = {}) =>
      issuer.token({ 'https://acme.test/org.id': 'acme', who: { name: 'ann' }, scope, ...more });
    const all = await token('openid read write profile');
    const { status, body } = await ask(door, all, '/v1/responses', create);
    assert.equal(status, 200);
    assert.equal((await ask(door, all, `/v1/responses/${body.id}`)).status, 200);
    assert.equal((await ask(door, await token(['read']), `/v1/responses/${body.id}`)).status, 200);
    const bob = await token('read', { who: { name: 'bob' } });
    assert.equal((await ask(door, bob, `/v1/responses/${body.id}`)).status, 404);
    for (const none of [undefined, 'openid', ['READ', 'reader'], 7, { read: true }, [['read']]])
      assert.equal((await ask(door, await token(none))).status, 403, JSON.stringify(none));
    assert.match((await ask(door, await token('read', { who: 'ann' }))).says, /lacks the claim `who.name`/);
    assert.match((await ask(door, await token('read', { who: ['ann'] }))).says, /lacks the claim `who.name`/);
    assert.match((await ask(door, await token('read', { p: 7 }))).says, /`p`.*no name/);
    assert.equal((await ask(door, await token('read', { p: 'x' }))).status, 200);
  });

  test('a claim is one that the token has: not what every object has', async (t) => {
    for (const tenant of ['constructor', 'constructor.name', '__proto__', 'org.length', 'list.0']) {
      const door = await withAuth([entryFor(issuer, { claims: { tenant } })]);
      t.after(door.close);
      assert.match((await ask(door, await issuer.token({ list: ['acme'] }))).says, /lacks the claim/, tenant);
    }
  });
});

describe('several entries', () => {
  test('each takes the tokens of its issuer, and keys are another entry’s', async (t) => {
    const other = await openIssuer([stranger], 'https://other.test');
    t.after(other.close);
    const { key, id, sha256 } = await newKey();
    const door = await withAuth([
      entryFor(issuer),
      entryFor(other, { claims: {}, tenant: 'theirs' }),
      { keys: [{ id, sha256, tenant: 'acme' }] },
    ]);
    t.after(door.close);
    const mine = (await ask(door, await issuer.token(), '/v1/responses', create)).body.id;
    const read = async (token: string) => (await ask(door, token, `/v1/responses/${mine}`)).status;
    assert.equal(await read(await issuer.token()), 200);
    assert.equal(await read(key), 200);
    // Its tenant is the entry's, whatever it claims.
    assert.equal(await read(await other.token({ org: 'acme', tenant: 'acme' })), 404);
    // A token of one issuer that the other's key has signed.
    assert.match((await ask(door, await issuer.token({}, {}, stranger))).says, /signature/);
    assert.match((await ask(door, await issuer.token({ iss: 'https://third.test' }))).says, /no credential/);
  });
});

describe('the configuration', () => {
  const problem = (jwt: object, pattern: RegExp) =>
    assert.throws(
      () =>
        readConfig(
          { auth: [{ jwt: { ...entryFor({ name: 'i', jwks: 'https://i.test' }).jwt, ...jwt } }] },
          { env: {} },
        ),
      pattern,
    );

  test('is refused where it would accept what anybody can make', () => {
    for (const alg of ['none', 'HS256', 'HS512', 'dir', 'RS1', ''])
      problem({ algorithms: ['RS256', alg] }, /auth\.0\.jwt\.algorithms\.1.*must be one of RS256/s);
    problem({ algorithms: [] }, /algorithms.*must not be empty/s);
    problem({ audiences: [] }, /audiences.*must not be empty/s);
    problem({ audiences: undefined }, /audiences.*is missing/s);
    problem({ issuer: '' }, /issuer.*must not be empty/s);
    for (const jwks of ['http://idp.test/jwks', 'http://127.0.0.1.evil.test/', 'http://localhost.evil.test/'])
      problem({ jwks }, /jwks.*https/s);
    problem({ jwks: 'https://u:p@idp.test/' }, /jwks.*password/s);
    problem({ jwks: 'file:///etc/passwd' }, /jwks/);
    problem({ skew: '6m' }, /skew.*at most 5m/s);
    problem({ tenant: 'acme' }, /one of tenant and claims.tenant/);
    problem({ claims: { tennant: 'org' } }, /tennant.*did you mean tenant/s);
  });

  test('an entry has one way, and a root without the library says which', async () => {
    const entry = { ...entryFor(issuer), keys: [] };
    assert.throws(() => readConfig({ auth: [entry] }, { env: {} }), /must have one of/);
    const config = parseConfig({ auth: [entryFor(issuer)] });
    assert.throws(() => createHandler({ config, database: {} as never }), /verifyJwt.*antiphon\/jwt/);
  });
});

test('a token that expires during a WebSocket ends its turns', async (t) => {
  const model = await startScriptedModel();
  const config = parseConfig({ auth: [entryFor(issuer)] });
  const { fetch, memory, close } = await testHandler(model, { config, database: await testDatabase(), verifyJwt });
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, memory, log: () => {} });
  const token = await issuer.token();
  const client = { baseURL: `http://127.0.0.1:${server.port}/v1` };
  const socket = await openSocket({ client } as Parameters<typeof openSocket>[0], { authorization: `Bearer ${token}` });
  t.after(async () => {
    socket.close();
    await server.close();
    await close();
    await model.close();
  });
  await socket.create({ model: 'demo' });
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 631_000 });
  socket.send({ type: 'response.create', model: 'demo', input: 'Hi' });
  const { type, status, error } = await socket.next();
  assert.deepEqual([type, status, error.code], ['error', 401, 'invalid_api_key']);
  assert.match(error.message, /expired/);
});
