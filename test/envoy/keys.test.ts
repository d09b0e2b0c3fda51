import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { startEnvoy } from '../../envoy/run.ts';
import { newKey } from '../../handler/identity/key.ts';
import { parseConfig } from '../../handler/index.ts';
import { createKey, revokeKey } from '../../handler/state/keys.ts';
import { serveHttp } from '../../shim/http.ts';
import { serveGrpc } from '../../shim/server.ts';
import { testDatabase } from '../support/doors/database.ts';
import { testConfigFile } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { openSocket, refusedStatus } from '../support/socket.ts';
import { startAltered } from './altered.ts';

const limits = { body: 32 * 1024 * 1024, reply: 4 * 1024 * 1024, time: 60_000 };

for (const mode of ['streamed', 'buffered'] as const) {
  test(`through Envoy (${mode}) whoever has a key is served until it is revoked, and nobody else, on any route`, async (t) => {
    const model = await startScriptedModel();
    const database = await testDatabase();
    const config = parseConfig({ ...testConfigFile(model), auth: [{ keys: [] }] });
    const handler = await testHandler(model, { config, database });
    const { fetch: answer, memory } = handler;
    const address = `127.0.0.1:${await freePort()}`;
    const shim = await serveGrpc({ address, fetch: answer, limits, rebindable: true, memory, log: () => {} });
    const http = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch: answer, memory, log: () => {} });
    const envoyPort = await freePort();
    const envoy = await startEnvoy({ mode, grpcPort: shim.port, httpPort: http.port, envoyPort });
    t.after(async () => {
      await envoy.stop();
      await shim.close();
      await http.close();
      await handler.close();
      await database.close();
      await model.close();
    });
    const { key, id, sha256 } = await newKey();
    await createKey(database, { id, sha256, tenant: 'acme', expires: Date.now() + 3_600_000, created: 0 });
    const clientOf = (apiKey: string) => new OpenAI({ baseURL: `${envoy.origin}/v1`, apiKey, maxRetries: 0 });
    const client = clientOf(key);
    const name = model.script(says('Hello'));
    assert.equal((await client.responses.create({ model: name, input: 'Hi' })).output_text, 'Hello');
    let text = '';
    for await (const event of await client.responses.create({ model: name, input: 'Hi', stream: true }))
      if (event.type === 'response.output_text.delta') text += event.delta;
    assert.equal(text, 'Hello');
    const socket = await openSocket({ client }, { authorization: `Bearer ${key}` });
    assert.equal((await socket.create({ model: name, input: 'Hi' })).final.status, 'completed');

    const stranger = (await newKey()).key;
    for (const headers of [
      {},
      { authorization: `Bearer ${stranger}` },
      { 'x-api-key': stranger },
      { authorization: key },
    ]) {
      for (const init of [{}, { method: 'POST', body: '{"model":"demo","input":"Hi","stream":true}' }]) {
        const reply = await fetch(`${envoy.origin}/v1/responses`, {
          ...init,
          headers: { 'content-type': 'application/json', ...headers },
        });
        const { error } = (await reply.json()) as { error: { code: string } };
        assert.deepEqual(
          [reply.status, error.code, reply.headers.get('www-authenticate')],
          [401, 'invalid_api_key', 'Bearer'],
        );
      }
      assert.equal(await refusedStatus({ client }, headers), 401);
    }

    await revokeKey(database, id, Date.now());
    const now = performance.now.bind(performance);
    t.mock.method(performance, 'now', () => now() + 5_000);
    await assert.rejects(client.models.list(), { status: 401, code: 'invalid_api_key' });
    socket.send({ type: 'response.create', model: name, input: 'Hi' });
    assert.equal((await socket.next()).error.code, 'invalid_api_key');
    socket.close();
  });
}

test('in the original mode Envoy passes on the header of keys that its request_attributes names', async (t) => {
  const model = await startScriptedModel();
  const { key, id, sha256 } = await newKey();
  const config = parseConfig({ ...testConfigFile(model), auth: [{ keys: [{ id, sha256 }] }] });
  const handler = await testHandler(model, { config });
  t.after(async () => {
    await handler.close();
    await model.close();
  });
  const port = await startAltered(t, 'original', handler.fetch, (name, value) =>
    name === 'request_attributes' ? [...(value as string[]), "request.headers['authorization']"] : value,
  );
  const create = async (authorization: string) => {
    const headers = { 'content-type': 'application/json', authorization };
    const body = '{"model":"demo","input":"Hi"}';
    const reply = await fetch(`http://127.0.0.1:${port}/v1/responses`, { method: 'POST', headers, body });
    await reply.body?.cancel();
    return reply.status;
  };
  assert.equal(await create(`Bearer ${key}`), 200);
  assert.equal(await create(`Bearer ${(await newKey()).key}`), 401);
});
