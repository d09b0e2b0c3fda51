import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { newKey } from '../handler/identity/key.ts';
import { parseConfig } from '../handler/index.ts';
import { message, refusal, send } from './promises/anthropic-ask.ts';
import { testDatabase } from './support/doors/database.ts';
import { testConfigFile } from './support/doors/door.ts';
import { testHandler } from './support/doors/in-process.ts';
import { hangs, says, sends, startScriptedModel } from './support/model/scripted.ts';

// Who may call the Messages API, and how much: what holds for any turn, told in its form.

/** A handler with a key of these rights, and a way to call it with headers. */
async function open(t: TestContext, rights: object = {}, more: object = {}) {
  const model = await startScriptedModel();
  const database = await testDatabase();
  const [{ key, id, sha256 }, other] = [await newKey(), await newKey()];
  const keys = [
    { id, sha256, ...rights },
    { id: other.id, sha256: other.sha256, tenant: 'others' },
  ];
  const file = testConfigFile(model) as { limits: object }; // a file is an object
  const config = parseConfig({
    ...file,
    ...more,
    limits: { ...file.limits, ...('limits' in more ? (more.limits as object) : {}) },
    auth: [{ keys }],
  }); // limits are one as well
  const handler = await testHandler(model, { config, database });
  t.after(async () => {
    await handler.close();
    await model.close();
    await database.close();
  });
  const as = (headers: Record<string, string>) => ({
    fetch: (path: string, init: RequestInit = {}) =>
      handler.fetch(new Request(`http://x${path}`, { ...init, headers: { ...(init.headers as object), ...headers } })), // plain objects in these tests
  });
  return { model, as, key, other: other.key, mine: as({ 'x-api-key': key }) };
}

const hi = { max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] };

test('a key goes into x-api-key, or into authorization; another one is 401', async (t) => {
  const { model, as, key, mine } = await open(t);
  const name = model.script(says('Hello'));
  assert.equal((await message(mine, { model: name })).content[0].text, 'Hello');
  assert.equal((await message(as({ authorization: `Bearer ${key}` }), { model: name })).content[0].text, 'Hello');
  for (const headers of [{}, { 'x-api-key': `${key}x` }, { authorization: 'Bearer sk-ant-none' }] as object[]) {
    const reply = await send(as(headers as Record<string, string>), { model: name, ...hi });
    await refusal(reply, 401, 'authentication_error');
  }
  await refusal(
    await as({}).fetch('/v1/models', { headers: { 'anthropic-version': '2026-10-21' } }),
    401,
    'authentication_error',
  );
});

test('what a key may not do is 403', async (t) => {
  const { model, mine } = await open(t, { models: ['nothing-*'] });
  await refusal(
    await send(mine, { model: model.script(says('ok')), ...hi }),
    403,
    'permission_error',
    /does not allow the model/,
  );
  const reader = await open(t, { scopes: ['read'] });
  await refusal(await send(reader.mine, { model: 'demo', ...hi }), 403, 'permission_error', /scope/);
});

test('limits of a minute, and of what is made at a time, are 429 with what is left', async (t) => {
  const { model, mine } = await open(t, { limits: { requestsPerMinute: 1 } });
  const name = model.script(says('ok'));
  await message(mine, { model: name });
  const reply = await send(mine, { model: name, ...hi });
  await refusal(reply, 429, 'rate_limit_error');
  assert.ok(Number(reply.headers.get('retry-after')) > 0);
  assert.equal(reply.headers.get('x-ratelimit-remaining-requests'), '0');
  const one = await open(t, { limits: { turns: 1 } });
  const { script, begun } = hangs();
  const leaving = new AbortController();
  const first = one.mine.fetch('/v1/messages', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: one.model.script(script), ...hi }),
    signal: leaving.signal,
  });
  await begun;
  await refusal(await send(one.mine, { model: 'demo', ...hi }), 429, 'rate_limit_error');
  leaving.abort();
  await first.catch(() => {});
});

test('a server that is full is 529', async (t) => {
  const { model, mine, as, other } = await open(t, {}, { limits: { turns: 1 } });
  const { script, begun } = hangs();
  const leaving = new AbortController();
  const name = model.script(script);
  const start = (door: Pick<typeof mine, 'fetch'>) =>
    door.fetch('/v1/messages', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ model: name, ...hi }),
      signal: leaving.signal,
    });
  const first = start(mine);
  await begun;
  // One of the two waits for the place, and there is no room for the other.
  const others = [start(as({ 'x-api-key': other })), start(as({ 'x-api-key': other }))];
  const reply = await Promise.race(others);
  await refusal(reply, 529, 'overloaded_error');
  assert.equal(reply.headers.get('x-should-retry'), 'true');
  leaving.abort();
  await Promise.allSettled([first, ...others]);
});

test('thinking that was sealed for one tenant is left out for another', async (t) => {
  const { model, mine, as, other } = await open(t);
  const name = model.script(sends([{ reasoning_content: 'Secret.' }, { content: 'Yes.' }]));
  const { content } = await message(mine, { model: name, thinking: { type: 'adaptive' } });
  const messages = [...hi.messages, { role: 'assistant', content }, { role: 'user', content: 'So?' }];
  await message(mine, { model: name, messages });
  await message(as({ 'x-api-key': other }), { model: name, messages });
  const [, own, others] = model.calls(name).map(({ body }) => JSON.stringify(body));
  assert.match(own ?? '', /Secret\./);
  assert.doesNotMatch(others ?? '', /Secret\./);
});

test('usage counts a message as any turn, one that a stop sequence ended by an estimate', async (t) => {
  const { model, mine } = await open(t, { user: 'ann' });
  const name = model.script(says('one two three four'));
  await message(mine, { model: name });
  await message(mine, { model: name, stop_sequences: ['three'] });
  const day = new Date().toISOString().slice(0, 10);
  const from = Date.parse(day) / 1000 - 86_400;
  const reply = await mine.fetch(`/v1/usage?start_time=${from}&group_by=model`);
  const { data } = (await reply.json()) as { data: { results: { requests: number; output_tokens: number }[] }[] };
  const [used] = data.flatMap(({ results }) => results);
  assert.equal(used?.requests, 2);
  assert.ok((used?.output_tokens ?? 0) > 7);
});
