import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import { openKeySource } from '../handler/identity/key-source.ts';
import { fixedLimits, parseConfig } from '../handler/index.ts';
import { libraries } from '../shim/libraries.ts';
import { createTransport } from '../shim/transport.ts';
import { openInProcess } from './support/doors/in-process.ts';
import { entryFor, newIssuerKey, openIssuer } from './support/issuer.ts';
import { freePort } from './support/ports.ts';

const { jwks: MAX, jwksFresh, jwksKept, jwksPause, jwksTime } = fixedLimits;

/** The keys of a real server, by a clock that the test sets. */
async function open() {
  const issuer = await openIssuer([await newIssuerKey('ES256', 'k1')]);
  const { transport, close } = createTransport();
  const clock = { now: 1_000 };
  return {
    issuer,
    clock,
    keys: openKeySource(issuer.jwks, transport, () => clock.now),
    async close() {
      await close();
      await issuer.close();
    },
  };
}

const set = (kid: string) => JSON.stringify({ keys: [{ kty: 'EC', kid }] });

describe('keys of an issuer', () => {
  test('are fetched once for all who want them, and again when they are old; those that are gone count no more', async (t) => {
    const { issuer, clock, keys, close } = await open();
    t.after(close);
    const [first, ...others] = await Promise.all(Array.from({ length: 100 }, () => keys.known()));
    for (const other of others) assert.equal(other, first);
    assert.equal(issuer.asked, 1);
    clock.now += jwksFresh - 1;
    assert.equal(await keys.known(), first);
    assert.equal(issuer.asked, 1);
    issuer.answers = (reply) => reply.end(set('k2'));
    clock.now += 1;
    assert.deepEqual(
      (await keys.known()).keys.map(({ kid }) => kid),
      ['k2'],
    );
    assert.equal(issuer.asked, 2);
  });

  test('that are made up cost one fetch in a pause, however many there are', async (t) => {
    const { issuer, clock, keys, close } = await open();
    t.after(close);
    await keys.known();
    for (let at = 0; at < 1_000; at++) await keys.renewed();
    assert.equal(issuer.asked, 1);
    clock.now += jwksPause;
    await Promise.all(Array.from({ length: 1_000 }, () => keys.renewed()));
    assert.equal(issuer.asked, 2);
  });

  test('outlive an outage for a day, and no longer; who is away is asked once in a pause', async (t) => {
    const { issuer, clock, keys, close } = await open();
    t.after(close);
    const known = await keys.known();
    const outages: (typeof issuer.answers)[] = [
      (reply) => reply.writeHead(500).end(set('bad')),
      (reply) => reply.writeHead(302, { location: issuer.jwks }).end(),
      (reply) => reply.end('<html>'),
      (reply) => reply.end('{"keys":{}}'),
      (reply) => reply.end(`{"keys":[],"more":"${'x'.repeat(MAX)}"}`),
      (reply) => reply.destroy(),
    ];
    for (const outage of outages) {
      issuer.answers = outage;
      clock.now += jwksFresh;
      const asked = issuer.asked;
      assert.equal(await keys.known(), known);
      assert.equal(await keys.known(), known);
      assert.equal(issuer.asked, asked + 1);
    }
    clock.now = 1_000 + jwksKept;
    await assert.rejects(keys.known(), { kind: 'server', message: /cannot be fetched/ });
    issuer.answers = (reply) => reply.end(set('k2'));
    await assert.rejects(keys.known(), { kind: 'server' });
    clock.now += jwksPause;
    assert.equal((await keys.known()).keys.length, 1);
  });

  test('of a server that says nothing, or never ends, are waited for no longer than a while', async (t) => {
    for (const begin of ['', '{"keys":[']) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const silent = createServer((_request, reply) => {
        if (begin) reply.write(begin);
        resolve();
      });
      const port = await freePort();
      await new Promise<void>((done) => silent.listen(port, '127.0.0.1', done));
      const { transport, close } = createTransport();
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const refused = assert.rejects(openKeySource(`http://127.0.0.1:${port}/`, transport).known(), { kind: 'server' });
      await promise;
      t.mock.timers.tick(jwksTime);
      await refused;
      t.mock.timers.reset();
      await close();
      silent.closeAllConnections();
      await new Promise((done) => silent.close(done));
    }
  });
});

test('a token whose keys cannot be had is no 401, and asks once', async (t) => {
  const [first, second] = await Promise.all([newIssuerKey('ES256', 'k1'), newIssuerKey('ES256', 'k2')]);
  const issuer = await openIssuer([first]);
  const config = parseConfig({ auth: [entryFor(issuer)] });
  const door = await openInProcess({ config, verifyJwt: libraries.verifyJwt });
  t.after(async () => {
    await door.close();
    await issuer.close();
  });
  const ask = async (token: string) =>
    (await door.fetch('/v1/models', { headers: { authorization: `Bearer ${token}` } })).status;
  issuer.answers = (reply) => reply.writeHead(503).end();
  assert.equal(await ask(await issuer.token()), 500);
  assert.equal(issuer.asked, 1);
  assert.equal(await ask(await issuer.token({}, {}, second)), 500);
  assert.equal(issuer.asked, 1);
});
