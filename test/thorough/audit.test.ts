import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { newKey } from '../../handler/identity/key.ts';
import { type AuditEvent, parseConfig } from '../../handler/index.ts';
import { verifyAudit } from '../../shim/audit/verify.ts';
import { serveHttp } from '../../shim/http.ts';
import { keys } from '../../shim/keys.ts';
import { startProduct } from '../../shim/product.ts';
import { tenants } from '../../shim/tenants.ts';
import { until } from '../promises/state-ask.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { newFolder } from '../support/folder.ts';
import { startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { openSocket } from '../support/socket.ts';

/** A handler on HTTP whose audit log is a list, with keys of some users of one tenant. */
async function open(more: object = {}) {
  const made = await Promise.all([newKey(), newKey(), newKey()]);
  const [ann, bob, reader] = made.map(({ key }) => key);
  const rights = [
    { tenant: 'acme', user: 'ann' },
    { tenant: 'acme', user: 'bob', project: 'p' },
    { tenant: 'acme', user: 'carl', scopes: ['read'] },
  ];
  const auth = [{ keys: made.map(({ id, sha256 }, at) => ({ id, sha256, ...rights[at] })) }];
  const events: AuditEvent[] = [];
  const model = await startScriptedModel();
  const config = parseConfig({ auth, models: [{ match: 'demo', backend: 'demo' }], ...more });
  const handler = await testHandler(model, { config, audit: (event) => events.push(event) });
  const server = await serveHttp({
    ...{ host: '127.0.0.1', port: await freePort(), fetch: handler.fetch, memory: handler.memory, log: () => {} },
  });
  const origin = `http://127.0.0.1:${server.port}`;
  const ask = async (key: string | undefined, line: string, body?: object) => {
    const [method = '', path] = line.split(' ');
    const reply = await fetch(`${origin}${path}`, {
      method,
      headers: {
        'x-request-id': line.slice(0, 128),
        'content-type': 'application/json',
        ...(key && { 'x-api-key': key }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: reply.status, body: (await reply.json()) as { id: string; data: { id: string }[] } };
  };
  /** The events of a request, once there are as many. */
  const told = async (line: string, count = 1) => {
    const found = () => events.filter(({ request_id }) => request_id === line.slice(0, 128));
    await until(() => found().length >= count);
    return found().map(({ peer, ...event }) => {
      assert.match(String(peer), /^127\.0\.0\.1/);
      return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined));
    });
  };
  return {
    ...{ events, ask, told, origin, keys: { ann, bob, reader }, ids: made.map(({ id }) => id) },
    async close() {
      await server.close();
      await handler.close();
      await model.close();
    },
  };
}

const input = { model: 'demo', input: 'A secret' };

describe('the audit log is told', () => {
  test('of refused credentials: who, what, how, from where, and why', async (t) => {
    const { ask, told, keys, ids, events, close } = await open();
    t.after(close);
    assert.equal((await ask(undefined, 'GET /v1/models')).status, 401);
    assert.deepEqual(await told('GET /v1/models'), [
      {
        ...{ action: 'refused', status: 401, code: 'invalid_api_key', door: 'http', method: 'GET' },
        ...{ request_id: 'GET /v1/models', path: '/v1/models' },
      },
    ]);
    assert.equal((await ask(keys.reader, 'POST /v1/responses', input)).status, 403);
    const [refused] = await told('POST /v1/responses');
    assert.deepEqual(
      [refused?.status, refused?.code, refused?.tenant, refused?.user, refused?.key],
      [403, 'insufficient_permissions', 'acme', 'carl', ids[2]],
    );
    assert.ok(!JSON.stringify(events).includes('secret'));
    assert.ok(!JSON.stringify(events).includes(keys.reader?.slice(20) ?? ''));
  });

  test('of what is read, changed and deleted of another user’s, of each deletion, and of lists; not of one’s own', async (t) => {
    const { ask, told, keys, events, close } = await open();
    t.after(close);
    const response = (await ask(keys.ann, 'POST /v1/responses', input)).body.id;
    const conversation = (await ask(keys.ann, 'POST /v1/conversations', { items: [{ role: 'user', content: 'Hi' }] }))
      .body.id;
    const item = (await ask(keys.ann, `GET /v1/conversations/${conversation}/items`)).body.data[0]?.id;
    for (const line of [`GET /v1/responses/${response}`, `GET /v1/conversations/${conversation}`])
      assert.equal((await ask(keys.ann, line)).status, 200);
    await ask(keys.ann, 'POST /v1/responses', { ...input, previous_response_id: response });
    await ask(keys.ann, 'GET /v1/responses/resp_unknown');
    const lines = {
      [`GET /v1/responses/${response}`]: ['read', response],
      [`GET /v1/responses/${response}/input_items`]: ['read', response],
      [`GET /v1/conversations/${conversation}/items/${item}`]: ['read', `${conversation}/items/${item}`],
      [`POST /v1/conversations/${conversation}`]: ['changed', conversation],
      [`DELETE /v1/conversations/${conversation}/items/${item}`]: ['deleted', `${conversation}/items/${item}`],
      [`DELETE /v1/responses/${response}`]: ['deleted', response],
      [`DELETE /v1/conversations/${conversation}`]: ['deleted', conversation],
    };
    await new Promise(setImmediate);
    assert.deepEqual(events, []);
    for (const [line, [action, object]] of Object.entries(lines)) {
      const body = line.startsWith('POST') ? { metadata: {} } : undefined;
      assert.equal((await ask(keys.bob, line, body)).status, 200, line);
      const [event] = await told(line);
      assert.deepEqual(
        [event?.action, event?.object, event?.owner, event?.user, event?.project],
        [action, object, 'ann', 'bob', 'p'],
        line,
      );
    }
    const own = (await ask(keys.bob, 'POST /v1/responses', input)).body.id;
    await ask(keys.bob, `DELETE /v1/responses/${own}`);
    assert.deepEqual(
      (await told(`DELETE /v1/responses/${own}`)).map(({ action, owner }) => [action, owner]),
      [['deleted', 'bob']],
    );
    await ask(keys.bob, 'GET /v1/responses');
    assert.deepEqual(
      (await told('GET /v1/responses')).map(({ action, object }) => [action, object]),
      [['listed', 'responses']],
    );
  });

  test('of turns that go on from another user’s response, or add to his conversation, over HTTP and WebSockets', async (t) => {
    const { ask, told, keys, events, origin, close } = await open();
    t.after(close);
    const response = (await ask(keys.ann, 'POST /v1/responses', input)).body.id;
    const conversation = (await ask(keys.ann, 'POST /v1/conversations', {})).body.id;
    await ask(keys.bob, 'POST /v1/responses', { ...input, previous_response_id: response });
    assert.deepEqual(
      (await told('POST /v1/responses')).map(({ action, object, owner }) => [action, object, owner]),
      [['read', response, 'ann']],
    );
    const [item] = (await ask(keys.ann, `GET /v1/responses/${response}/input_items`)).body.data;
    const refer = 'POST /v1/responses?by=reference';
    await ask(keys.bob, refer, { ...input, input: [{ type: 'item_reference', id: item?.id }] });
    await ask(keys.ann, 'POST /v1/responses?of=my-own', {
      ...input,
      input: [{ type: 'item_reference', id: item?.id }],
    });
    assert.deepEqual(
      (await told(refer)).map(({ action, object, owner }) => [action, object, owner]),
      [['read', response, 'ann']],
    );
    const count = 'POST /v1/responses/input_tokens';
    await ask(keys.bob, count, { ...input, conversation });
    assert.deepEqual(
      (await told(count)).map(({ action, object }) => [action, object]),
      [['read', conversation]],
    );
    const client = { baseURL: `${origin}/v1` } as Parameters<typeof openSocket>[0]['client'];
    const socket = await openSocket({ client }, { 'x-api-key': keys.bob });
    await socket.create({ model: 'demo', conversation });
    socket.close();
    await until(() => events.length === 4);
    const { action, object, owner, user, method } = events[3] ?? assert.fail();
    assert.deepEqual([action, object, owner, user, method], ['changed', conversation, 'ann', 'bob', 'response.create']);
  });
});

test('the product writes what it is told into a file, with what commands do', async (t) => {
  const folder = newFolder();
  const log = join(folder, 'audit/audit.jsonl');
  const [port, admin] = [await freePort(), await freePort()];
  const config = join(folder, 'a.yaml');
  await writeFile(
    config,
    JSON.stringify({
      listen: { grpc: 'off', http: `127.0.0.1:${port}`, envoy: 'off', admin: `127.0.0.1:${admin}` },
      models: [{ match: 'demo', backend: 'demo' }],
      database: `sqlite:${join(folder, 'a.db')}`,
      auth: [{ keys: [] }],
      audit: `file:${log}`,
    }),
  );
  const product = await startProduct({ flags: { config } });
  t.after(() => product.stop());
  assert.equal((await fetch(`http://127.0.0.1:${port}/v1/models`)).status, 401);
  const printed: string[] = [];
  const output = { print: (text: string) => void printed.push(text), say: () => {} };
  for (const line of ['create -tenant acme -user ann', 'rotate ID', 'revoke ID']) {
    const id = printed.at(-1)?.split('_')[1] ?? '';
    await keys([...line.replace('ID', id).split(' '), '-config', config], {}, output);
    if (!line.startsWith('create')) continue;
    const headers = { 'content-type': 'application/json', 'x-api-key': printed[0] ?? '' };
    const made = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
      method: 'POST',
      headers,
      body: JSON.stringify(input),
    });
    assert.equal(made.status, 200);
  }
  await tenants(['export', 'acme', '-output', join(folder, 'acme.jsonl'), '-config', config], {}, output);
  await tenants(['delete', 'acme', '-yes', '-config', config], {}, output);
  const events = async () =>
    (await readFile(log, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  await until(async () => (await events()).length === 7);
  const all = await events();
  assert.deepEqual(
    all.map(({ action, door }) => [action, door]),
    [
      ['refused', 'http'],
      ['key_created', 'command'],
      ['key_rotated', 'command'],
      ['key_created', 'command'],
      ['key_revoked', 'command'],
      ['tenant_exported', 'command'],
      ['tenant_deleted', 'command'],
    ],
  );
  for (const key of printed) assert.ok(!JSON.stringify(all).includes(key.slice(20)));
  assert.deepEqual((await verifyAudit([log])).problems, []);
});
