import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuses } from '../promises/ask.ts';
import { testConfig } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { startScriptedModel } from '../support/model/scripted.ts';

const asks = { origin: 'https://any.example', 'access-control-request-method': 'POST' };

async function open(t: { after(fn: () => Promise<void>): void }, origins: string[]) {
  const model = await startScriptedModel();
  const door = await openInProcess({ config: { ...testConfig(model), cors: { origins } } });
  t.after(async () => {
    await door.close();
    await model.close();
  });
  return door;
}

test('without origins there is not a word about them, and OPTIONS is 405', async (t) => {
  const door = await open(t, []);
  const replies = [
    await door.fetch('/v1/models', { headers: asks }),
    await door.fetch('/v1/responses', { method: 'OPTIONS', headers: asks }),
  ];
  for (const { headers } of replies) {
    const about = [...headers.keys()].filter((name) => /^access-control-|^vary$/.test(name));
    assert.deepEqual(about, []);
  }
  await refuses(replies[1] ?? assert.fail(), { status: 405, code: 'method_not_allowed' });
});

test('with * every origin gets *, and caches may keep one reply for all', async (t) => {
  const door = await open(t, ['https://app.example', '*']);
  for (const method of ['GET', 'OPTIONS']) {
    const reply = await door.fetch('/v1/models', { method, headers: asks });
    assert.equal(reply.status, method === 'GET' ? 200 : 204);
    assert.equal(reply.headers.get('access-control-allow-origin'), '*');
    assert.equal(reply.headers.get('vary'), null);
  }
});

test('each of several origins gets its own name', async (t) => {
  const origins = ['https://one.example', 'http://localhost:5173'];
  const door = await open(t, origins);
  for (const origin of origins) {
    const reply = await door.fetch('/v1/models', { headers: { origin } });
    assert.equal(reply.headers.get('access-control-allow-origin'), origin);
    assert.equal(reply.headers.get('vary'), 'origin');
  }
});
