import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newKey } from '../handler/identity/key.ts';
import { parseConfig } from '../handler/index.ts';
import { openInProcess } from './support/doors/in-process.ts';

/** The members of replies that are looked at here. */
interface Reply {
  id: string;
  data: object[];
  security: object[];
  paths: Record<string, { get?: { security?: object[] } }>;
  error: { code: string; message: string; param: string };
}

/** A handler that knows some keys, each with what it is allowed. */
async function withKeys(entries: Record<string, object>, more: object = {}) {
  const keys: Record<string, string> = {};
  const listed: object[] = [];
  for (const [name, entry] of Object.entries(entries)) {
    const { key, id, sha256 } = await newKey();
    keys[name] = key;
    listed.push({ id, sha256, ...entry });
  }
  const door = await openInProcess({ config: parseConfig({ auth: [{ keys: listed }], ...more }) });
  const send = async (name: string | undefined, path: string, body?: object, headers: object = {}) => {
    const reply = await door.fetch(path, {
      method: body ? 'POST' : 'GET',
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(name !== undefined && { authorization: `Bearer ${keys[name] ?? name}` }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: reply.status, headers: reply.headers, body: (await reply.json()) as Reply };
  };
  return { keys, send, close: door.close };
}

const create = { model: 'demo', input: 'Hi' };

describe('keys of the configuration', () => {
  test('a request needs one: in authorization or x-api-key, whole, known and not expired', async (t) => {
    const { keys, send, close } = await withKeys({ good: {}, old: { expires: '2020-01-01' } });
    t.after(close);
    const stranger = (await newKey()).key;
    assert.equal((await send('good', '/v1/responses', create)).status, 200);
    assert.equal((await send(undefined, '/v1/models', undefined, { 'x-api-key': keys.good })).status, 200);
    for (const [name, says] of [
      [undefined, /no credential/],
      ['sk-something-else', /no credential/],
      ['old', /expired/],
      [stranger, /not one of this server/],
      [`${keys.good?.slice(0, -1)}!`, /not whole/],
      [keys.good?.replace(/.(?=.{20}$)/, (one) => (one === 'a' ? 'b' : 'a')) ?? '', /not whole/],
    ] as const) {
      for (const path of ['/v1/models', '/v1/nothing', '/v1/responses/resp_1']) {
        const { status, headers, body } = await send(name, path);
        assert.equal(status, 401, `${name} ${path}`);
        assert.equal(headers.get('www-authenticate'), 'Bearer');
        assert.equal(body.error.code, 'invalid_api_key');
        assert.match(body.error.message, says);
      }
    }
  });

  test('anybody may ask whether the server lives, and read how to use it', async (t) => {
    const { send, close } = await withKeys({});
    t.after(close);
    for (const path of ['/livez', '/readyz', '/health', '/openapi.json'])
      assert.equal((await send(undefined, path)).status, 200);
    const { security, paths } = (await send(undefined, '/openapi.json')).body;
    assert.deepEqual(security, [{ credential: [] }]);
    assert.deepEqual([paths['/health']?.get?.security, paths['/v1/models']?.get?.security], [[], undefined]);
  });

  test('scopes and models say what a key may do', async (t) => {
    const { send, close } = await withKeys({
      reader: { scopes: ['read'] },
      writer: { scopes: ['write'] },
      one: { models: ['other*'] },
    });
    t.after(close);
    const refused = await send('reader', '/v1/responses', create);
    assert.deepEqual([refused.status, refused.body.error.code], [403, 'insufficient_permissions']);
    assert.equal((await send('reader', '/v1/models')).status, 200);
    assert.equal((await send('writer', '/v1/models')).status, 403);
    assert.equal((await send('writer', '/v1/responses', create)).status, 200);
    assert.equal((await send('writer', '/v1/responses', { ...create, background: true })).status, 403);
    const model = await send('one', '/v1/responses', create);
    assert.deepEqual([model.status, model.body.error.code, model.body.error.param], [403, 'model_not_found', 'model']);
    assert.deepEqual((await send('one', '/v1/models')).body.data, []);
    assert.equal((await send('one', '/v1/models/demo')).status, 404);
  });

  test('what another tenant has is not there, nor what another user has where users are apart', async (t) => {
    const owners = { a: { tenant: 'a', user: 'u' }, b: { tenant: 'b', user: 'u' }, a2: { tenant: 'a', user: 'v' } };
    for (const [isolation, ofTenant] of [
      ['tenant', 200],
      ['user', 404],
    ] as const) {
      const { send, close } = await withKeys(owners, { isolation });
      t.after(close);
      const { id } = (await send('a', '/v1/responses', create)).body;
      assert.equal((await send('a', `/v1/responses/${id}`)).status, 200);
      assert.equal((await send('b', `/v1/responses/${id}`)).status, 404);
      assert.equal((await send('a2', `/v1/responses/${id}`)).status, ofTenant);
    }
  });

  test('a caller without a user is told that he needs one where users are apart', async (t) => {
    const { send, close } = await withKeys({ nobody: { tenant: 'a' } }, { isolation: 'user' });
    t.after(close);
    const { status, body } = await send('nobody', '/v1/responses', create);
    assert.equal(status, 403);
    assert.match(body.error.message, /names no user.*`isolation`/);
  });
});
