import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { newKey } from '../../handler/identity/key.ts';
import { configureLog, parseConfig, redact } from '../../handler/index.ts';
import { migrate } from '../../handler/state/database/schema.ts';
import { sqliteDatabase } from '../../handler/state/database/sqlite.ts';
import { createKey, revokeKey } from '../../handler/state/keys.ts';
import { serveHttp } from '../../shim/http.ts';
import { doorAt, testConfigFile } from '../support/doors/door.ts';
import { testHandler } from '../support/doors/in-process.ts';
import { newFolder } from '../support/folder.ts';
import { callsFunctions, replies, type ScriptedModel, says, startScriptedModel } from '../support/model/scripted.ts';
import { freePort } from '../support/ports.ts';
import { openSocket } from '../support/socket.ts';
import { testTelemetry } from '../support/telemetry.ts';

/** A product on plain HTTP with a database in a file, all of whose words are kept, and keys of all kinds. */
async function open(t: TestContext) {
  const lines: string[] = [];
  configureLog('debug', (line) => lines.push(line));
  const told = testTelemetry({ content: true });
  const folder = newFolder();
  const file = join(folder, 'a.db');
  const database = sqliteDatabase(new DatabaseSync(file), { defer: setImmediate });
  await migrate(database);
  const made: string[] = [];
  const make = async (rights: object = {}) => {
    const { key, id, sha256 } = await newKey();
    made.push(key);
    await createKey(database, {
      id,
      sha256,
      tenant: 'acme',
      user: 'ann',
      expires: Date.now() + 60_000,
      created: 0,
      ...rights,
    });
    return { key, id };
  };
  const model = await startScriptedModel();
  const inFile = await newKey();
  made.push(inFile.key);
  const auth = [{ keys: [{ id: inFile.id, sha256: inFile.sha256 }] }];
  const config = parseConfig({ ...testConfigFile(model), auth });
  const handler = await testHandler(model, { config, database, telemetry: told.slot });
  const { fetch, memory } = handler;
  const server = await serveHttp({ host: '127.0.0.1', port: await freePort(), fetch, memory });
  const door = doorAt('node-http', `http://127.0.0.1:${server.port}`, model, server.close);
  t.after(async () => {
    await door.close();
    await handler.close();
    await database.close();
  });
  return { lines, told, file, make, made, model, inFile, door, handler, database };
}

/** All that models and webhooks were sent. */
function sent(model: ScriptedModel, names: readonly string[]): string {
  return JSON.stringify([
    model.hooks,
    names.map((name) => model.calls(name).map(({ headers, body }) => [headers, body])),
  ]);
}

test('a key is in no line, no row, no span, no metric, no call of a model and no webhook, whatever becomes of its request', async (t) => {
  const { lines, told, file, make, made, model, inFile, door, handler, database } = await open(t);
  const good = await make();
  const reader = await make({ scopes: ['read'] });
  const expired = await make({ expires: 1 });
  const revoked = await make();
  await revokeKey(database, revoked.id, Date.now());
  const stranger = (await newKey()).key;
  const cut = good.key.slice(0, -3);
  made.push(stranger, cut);

  const names = [
    model.script(says('Hello')),
    model.native(replies(401, { error: { message: 'who?' } })),
    model.anthropic(replies(500, 'no')),
    model.script(callsFunctions({ name: 'f', args: '{}' })),
  ];
  const send = async (key: string, path: string, body?: object, header = 'authorization') => {
    const reply = await door.fetch(path, {
      method: body ? 'POST' : 'GET',
      headers: {
        'content-type': 'application/json',
        [header]: header === 'authorization' ? `Bearer ${key}` : key,
        'x-request-id': `trace of ${key}`,
        'openai-project': key,
        cookie: `key=${key}`,
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: reply.status, text: await reply.text() };
  };
  for (const key of [good.key, inFile.key, reader.key, expired.key, revoked.key, stranger, cut]) {
    for (const header of ['authorization', 'x-api-key']) {
      for (const name of names) {
        for (const more of [{}, { stream: true }, { background: true }]) {
          const { status, text } = await send(key, '/v1/responses', { model: name, input: 'Hi', ...more }, header);
          if (key !== good.key && key !== inFile.key) assert.ok(status === 401 || status === 403, `${status}`);
          for (const one of made) assert.ok(!text.includes(one));
        }
      }
      for (const path of [
        '/v1/responses/resp_nothing',
        '/v1/nothing',
        `/v1/responses/${key}`,
        `/v1/${key}?api_key=${key}`,
      ]) {
        const { text } = await send(key, path, undefined, header);
        for (const one of made) assert.ok(!text.includes(one), text);
      }
      await send(key, '/v1/responses', { model: key, input: 'Hi' }, header);
      await send(key, '/v1/responses', { model: 'demo', input: 'Hi', previous_response_id: key, [key]: 1 }, header);
    }
  }
  const socket = await openSocket(door, { authorization: `Bearer ${good.key}` });
  for (const name of names.slice(0, 2)) {
    socket.send({ type: 'response.create', model: name, input: 'Hi' });
    for (let event = await socket.next(); !/completed|failed|error/.test(event.type); ) event = await socket.next();
  }
  socket.close();
  await handler.drain(5_000);
  await handler.deliver();

  assert.ok(model.hooks.length > 0 && told.spans().length > 0);
  const stored = await Promise.all([file, `${file}-wal`].map((name) => readFile(name, 'latin1')));
  const spans = told.spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status }));
  const places = {
    log: lines.join(''),
    database: stored.join(''),
    spans: JSON.stringify(spans),
    metrics: await told.metrics(),
    'what was sent': sent(model, names),
  };
  assert.match(places.log, new RegExp(`"${good.id}"`)); // whose request it was is there
  for (const [place, text] of Object.entries(places)) {
    for (const key of made) {
      const secret = key.slice(-50, -7);
      const at = text.indexOf(secret);
      assert.ok(at < 0, `${place}: ...${text.slice(Math.max(0, at - 300), at + 60)}`);
    }
  }
  for (const name of names) {
    for (const { headers } of model.calls(name)) {
      assert.ok(headers.authorization === undefined || headers.authorization === 'Bearer test-key');
      assert.ok(headers['x-api-key'] === undefined || headers['x-api-key'] === 'test-key');
      assert.equal(headers.cookie, undefined);
    }
  }
});

test('a key is redacted wherever it stands, and its id stays', async () => {
  const { key, id } = await newKey();
  const secret = key.slice(-50);
  for (const text of [
    key,
    `x${key}`,
    `"${key}"`,
    JSON.stringify({ text: `line\n${key}` }),
    JSON.stringify(JSON.stringify(`\n${key}`)),
    `key=${key}&more`,
    encodeURIComponent(key),
    key.replaceAll('_', '%5F'),
    key.replaceAll('_', '%5f').replaceAll('-', '%2D'),
    key.slice(0, -20),
    `(${key.slice(0, id.length + 14)})`,
    `\u001b[31m${key}`,
  ]) {
    const redacted = redact(text);
    assert.match(redacted, /\[redacted\]/, text);
    assert.ok(redacted.includes(id), redacted);
    assert.ok(!redacted.includes(secret.slice(0, 8)), redacted);
  }
  for (const text of ['break_glass_procedure', 'peak_usage_threshold_seconds', 'ak_short_id', 'task_a_b'])
    assert.equal(redact(text), text);
});
