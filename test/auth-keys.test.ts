import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { newKey } from '../handler/identity/key.ts';
import { type Database, parseConfig } from '../handler/index.ts';
import { createKey, type KeyRights, revokeKey, rotateKey } from '../handler/state/keys.ts';
import { testDatabase } from './support/doors/database.ts';
import { testConfigFile } from './support/doors/door.ts';
import { testHandler } from './support/doors/in-process.ts';
import { says, startScriptedModel } from './support/model/scripted.ts';

const NEVER = Date.parse('9999-12-31');

/** Adds a key to a database, and returns it. */
async function add(database: Database, rights: Partial<KeyRights> = {}) {
  const { key, id, sha256 } = await newKey();
  await createKey(database, { id, sha256, tenant: 'default', expires: NEVER, created: Date.now(), ...rights });
  return { key, id };
}

/** A handler whose keys are those of its database, and of the file. */
async function open(t: TestContext, { listed = [], database }: { listed?: object[]; database?: Database } = {}) {
  const model = await startScriptedModel();
  const opened = database ?? (await testDatabase());
  const config = parseConfig({ ...testConfigFile(model), auth: [{ keys: listed }] });
  const handler = await testHandler(model, { config, database: opened });
  t.after(async () => {
    await handler.close();
    await model.close();
    await opened.close();
  });
  const send = async (key: string, path = '/v1/models', body?: object) => {
    const init = body && { method: 'POST', body: JSON.stringify(body) };
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    return handler.fetch(new Request(`http://x${path}`, { ...init, headers }));
  };
  const says = async (key: string) => {
    const reply = await send(key);
    if (reply.ok) return 'accepted';
    const { error } = (await reply.json()) as { error: { code: string; message: string } };
    return `${error.code}: ${error.message}`;
  };
  return { model, database: opened, send, says };
}

/** Has the clock of a test go on by some milliseconds. */
function later(t: TestContext, ms: number) {
  const now = performance.now.bind(performance);
  t.mock.method(performance, 'now', () => now() + ms);
}

describe('keys of the database', () => {
  test('are accepted beside those of the file, with all that they may do', async (t) => {
    const inFile = await newKey();
    const { database, send, says } = await open(t, { listed: [{ id: inFile.id, sha256: inFile.sha256 }] });
    const reader = await add(database, { tenant: 'acme', user: 'ann', scopes: ['read'], models: ['nothing'] });
    assert.equal(await says(inFile.key), 'accepted');
    const listed = await send(reader.key);
    assert.deepEqual(((await listed.json()) as { data: object[] }).data, []);
    assert.equal((await send(reader.key, '/v1/responses', { model: 'demo', input: 'Hi' })).status, 403);
  });

  test('one that was revoked, has expired or is another of the same id is told from one that never was', async (t) => {
    const { database, says } = await open(t);
    const expired = await add(database, { expires: Date.now() - 1 });
    const revoked = await add(database);
    await revokeKey(database, revoked.id, Date.now());
    const good = await add(database);
    const { key: made } = await newKey();
    const unknown = 'invalid_api_key: The API key is not one of this server.';
    assert.equal(await says(expired.key), 'invalid_api_key: The API key has expired.');
    assert.equal(await says(revoked.key), 'invalid_api_key: The API key was revoked.');
    assert.equal(await says(made), unknown);
    // Nobody who has an id alone hears what became of its key.
    const { key: other, id, sha256 } = await newKey();
    const rights = { tenant: 'default', expires: NEVER, created: 0 };
    await createKey(database, { ...rights, id, sha256: sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) });
    await revokeKey(database, id, Date.now());
    assert.equal(await says(other), unknown);
    assert.equal(await says(good.key), 'accepted');
  });

  test('a revoked key stops within 5 s, and one that is replaced when its overlap is over', async (t) => {
    const { database, says } = await open(t);
    const [first, second] = [await add(database), await add(database, { tenant: 'acme' })];
    for (const { key } of [first, second]) assert.equal(await says(key), 'accepted');
    await revokeKey(database, first.id, Date.now());
    const next = await newKey();
    const now = Date.now();
    const { made } = await rotateKey(database, { id: second.id, next, now, until: now + 60_000 });
    assert.equal(made?.tenant, 'acme');
    later(t, 5_000);
    assert.match(await says(first.key), /revoked/);
    assert.equal(await says(second.key), 'accepted');
    assert.equal(await says(next.key), 'accepted');
    t.mock.method(Date, 'now', () => now + 60_000);
    assert.match(await says(second.key), /expired/);
    assert.equal(await says(next.key), 'accepted');
  });

  test('only a key that works can be replaced, and only once', async (t) => {
    const { database } = await open(t);
    const now = Date.now();
    const { id } = await add(database);
    const rotate = async (id: string) => rotateKey(database, { id, next: await newKey(), now, until: now + 1_000 });
    const both = await Promise.all([rotate(id), rotate(id)]);
    assert.deepEqual(both.map(({ made }) => made !== undefined).sort(), [false, true]);
    assert.equal(both[0].old?.replacedBy, both.find(({ made }) => made)?.made?.id);
    assert.deepEqual(await rotate('nothing'), { old: undefined, made: undefined });
    const expired = await add(database, { expires: now });
    assert.equal((await rotate(expired.id)).made, undefined);
  });

  test('a database that fails is a 503 that asks to come again, and never a 401', async (t) => {
    const database = await testDatabase();
    const { key } = await add(database);
    let fails = true;
    const failing: Database = {
      ...database,
      batch: (statements) => (fails ? Promise.reject(new Error('gone')) : database.batch(statements)),
    };
    const { send } = await open(t, { database: failing });
    const refused = await send(key);
    assert.deepEqual([refused.status, refused.headers.get('x-should-retry')], [503, 'true']);
    fails = false;
    later(t, 1_000);
    assert.equal((await send(key)).status, 200);
  });
});

test('limits of a key are in place of those of all', async (t) => {
  const { model, database, send } = await open(t);
  const one = await add(database, { limits: { turns: 1, backgroundTurns: 1 } });
  const free = await add(database);
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const stuck = model.script(async (turn) => {
    begun.resolve();
    await ended.promise;
    await turn.text('ok');
    await turn.finish();
  });
  const quick = model.script(says('Hi'));
  const first = send(one.key, '/v1/responses', { model: stuck, input: 'Hi' });
  await begun.promise;
  const refused = await send(one.key, '/v1/responses', { model: quick, input: 'Hi' });
  assert.equal(refused.status, 429);
  assert.match(await refused.text(), /or of your key/);
  assert.equal((await send(free.key, '/v1/responses', { model: quick, input: 'Hi' })).status, 200);
  const background = () => send(one.key, '/v1/responses', { model: stuck, input: 'Hi', background: true });
  assert.deepEqual([(await background()).status, (await background()).status], [200, 429]);
  ended.resolve();
  assert.equal((await first).status, 200);
});
