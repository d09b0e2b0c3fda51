import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../handler/state/database/database.ts';
import { create } from '../promises/ask.ts';
import { conversation, modelInput } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { testConfig } from '../support/doors/door.ts';
import { type InProcess, openInProcess, testHandler } from '../support/doors/in-process.ts';
import { says } from '../support/model/scripted.ts';

const trigger = { type: 'compaction_trigger' };

test('a compaction is an input for another replica with the same secret, and for no other deployment', async (t) => {
  const door = await openInProcess();
  t.after(() => door.close());
  const model = door.model.script(says('They said hello.'), says('Fine.'));
  const { output } = await create(door, { model, input: [{ role: 'user', content: 'Hello.' }, trigger], store: false });
  const body = JSON.stringify({ model, input: [...output, { role: 'user', content: 'And now?' }] });
  const post = async (config: ReturnType<typeof testConfig>) => {
    const replica = await testHandler(door.model, { config, database: await testDatabase() });
    t.after(() => replica.close());
    const headers = { 'content-type': 'application/json' };
    return replica.fetch(new Request('http://x/v1/responses', { method: 'POST', body, headers }));
  };
  const config = testConfig(door.model);
  const newer = { id: 'k2', key: 'a newer key of the tests, of 32 bytes' };
  assert.equal((await post({ ...config, secrets: [newer, ...config.secrets] })).status, 200);
  assert.match(modelInput(door, model)[0] ?? '', /They said hello\.$/);
  const other = await post({ ...config, secrets: [newer] });
  assert.equal(other.status, 400);
  assert.match(await other.text(), /invalid_encrypted_content/);
});

test('what was sealed before there were secrets stays readable, but for other databases', async (t) => {
  const door = await openInProcess();
  t.after(() => door.close());
  const config = testConfig(door.model);
  const database = await testDatabase();
  const model = door.model.script(says('They said hello.'), says('Fine.'));
  const post = async (secrets: typeof config.secrets, at: typeof database, body: object) => {
    const replica = await testHandler(door.model, { config: { ...config, secrets }, database: at });
    t.after(() => replica.close());
    const headers = { 'content-type': 'application/json' };
    return replica.fetch(
      new Request('http://x/v1/responses', { method: 'POST', body: JSON.stringify({ model, ...body }), headers }),
    );
  };
  const first = await post([], database, { input: [{ role: 'user', content: 'Hello.' }, trigger] });
  const { id, output } = JSON.parse(await first.text());
  const next = await post(config.secrets, database, { previous_response_id: id, input: 'And now?' });
  assert.equal(next.status, 200);
  assert.match(modelInput(door, model)[0] ?? '', /They said hello\.$/);
  const elsewhere = await post(config.secrets, await testDatabase(), { input: output });
  assert.equal(elsewhere.status, 400);
});

/** A database that counts the rows that are read in it. */
function counting(database: Database): { database: Database; read(): number } {
  let rows = 0;
  return {
    database: {
      ...database,
      async batch(statements) {
        const results = await database.batch(statements);
        rows += Object.values(results).flat().length;
        return results;
      },
    },
    read() {
      const read = rows;
      rows = 0;
      return read;
    },
  };
}

test('what was before a compaction is not read', async (t) => {
  const { database, read } = counting(await testDatabase());
  // The second process has read nothing yet, whatever the first one remembers.
  const [first, second] = [await openInProcess({ database }), await openInProcess({ database })];
  t.after(() => Promise.all([first.close(), second.close()]));
  const models = new Map([first, second].map((door) => [door, door.model.script(says('ok'))]));
  for (const go of [
    async (door: InProcess, previous: string | undefined, body: object) =>
      (await create(door, { model: models.get(door), ...body, previous_response_id: previous })).id,
    async (door: InProcess, given: string | undefined, body: object) => {
      const id = given ?? (await conversation(door));
      await create(door, { model: models.get(door), ...body, conversation: id });
      return id;
    },
  ]) {
    let at: string | undefined;
    for (let turn = 0; turn < 40; turn++) at = await go(first, at, { input: `turn ${turn}` });
    read();
    at = await go(second, at, { input: 'one more' });
    assert.ok(read() > 80);
    at = await go(first, at, { input: [trigger] });
    at = await go(first, at, { input: 'after it' });
    read();
    at = await go(second, at, { input: 'again' });
    const rows = read();
    assert.ok(rows < 12, `${rows} rows`);
  }
});

test('without secrets of its own a deployment has one in its database, whichever process was first', async (t) => {
  const database = await testDatabase();
  const door = await openInProcess({ database });
  t.after(() => door.close());
  const config = { ...testConfig(door.model), secrets: [] };
  const [one, other] = await Promise.all([
    testHandler(door.model, { config, database }),
    testHandler(door.model, { config, database }),
  ]);
  t.after(() => Promise.all([one.close(), other.close()]));
  const model = door.model.script(says('They said hello.'), says('Fine.'));
  const post = async (handler: typeof one, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify({ model, ...body }) };
    return (await handler.fetch(new Request('http://x/v1/responses', init))).json() as Promise<{ id: string }>;
  };
  const { id } = await post(one, { input: [{ role: 'user', content: 'Hello.' }, trigger] });
  await post(other, { input: 'And now?', previous_response_id: id });
  assert.match(modelInput(door, model)[0] ?? '', /They said hello\.$/);
});
