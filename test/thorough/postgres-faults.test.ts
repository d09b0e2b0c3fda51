import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { type Database, Unavailable, UnknownOutcome } from '../../handler/state/database/database.ts';
import { migrate } from '../../handler/state/database/schema.ts';
import { read, sql, write } from '../../handler/state/database/sql.ts';
import { check } from '../../shim/check.ts';
import { openDatabase } from '../../shim/database.ts';
import { create, stream } from '../promises/ask.ts';
import { ask, contents, conversation, stored, until } from '../promises/state-ask.ts';
import { connectPostgres } from '../support/databases/postgres.ts';
import { post } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts';
import { newFolder } from '../support/folder.ts';
import { says } from '../support/model/scripted.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { writeConfig } from '../support/product.ts';

const server = await startPostgres();
after(() => server.stop());

/** A database behind a proxy that may cut its connections, and the same one without. */
async function open(
  t: TestContext,
  options = {},
): Promise<{ database: Database; whole: Database; proxy: FaultyProxy }> {
  const url = new URL(await server.newDatabase());
  const whole = connectPostgres(url.href);
  await migrate(whole);
  const proxy = await startFaultyProxy(server.port);
  url.port = `${proxy.port}`;
  const database = connectPostgres(url.href, 8, options);
  t.after(async () => {
    await proxy.close();
    await Promise.all([database.close(), whole.close()]);
  });
  return { database, whole, proxy };
}

const owner = (id: string) => write(sql`INSERT INTO owners (id, alive_until) VALUES (${id}, ${1})`);
const OWNERS = read(sql`SELECT id FROM owners ORDER BY id`);

test('a write whose connection is cut may have been done, and one without a connection was not; reads are tried again', async (t) => {
  const { database, whole, proxy } = await open(t, { patience: 100 });
  for (const fate of ['before', 'after'] as const) {
    await database.batch({ owners: OWNERS });
    proxy.decide(() => fate);
    await assert.rejects(database.batch({ made: owner(fate) }), UnknownOutcome);
    let pieces = 0;
    proxy.decide(() => (pieces++ === 0 ? fate : 'passes'));
    await database.batch({ owners: OWNERS });
    assert.ok(pieces > 1, 'the first was cut');
    proxy.decide(() => 'passes');
  }
  assert.deepEqual(await whole.batch({ owners: OWNERS }), { owners: [{ id: 'after' }] });
  await server.stop();
  await assert.rejects(database.batch({ made: owner('away') }), Unavailable);
  await server.start();
  assert.deepEqual(await database.batch({ owners: OWNERS }), { owners: [{ id: 'after' }] });
});

test('where nothing comes back, a batch is given up after its time, and later ones have new connections', async (t) => {
  const { database, proxy } = await open(t, { patience: 100, answer: 200 });
  await Promise.all(Array.from({ length: 8 }, () => database.batch({ owners: OWNERS })));
  proxy.stall('these');
  await assert.rejects(database.batch({ made: owner('lost') }), UnknownOutcome);
  // None of the others is tried, each of which would be as silent.
  await database.batch({ made: owner('later') });
});

test('a server that only reads, has no connection left, or takes too long is one that is away', async (t) => {
  const { database } = await open(t, { patience: 300 });
  const slow = {
    slow: write(sql`SELECT set_config('statement_timeout', '50ms', true)`),
    sleep: read(sql`SELECT pg_sleep(5)`),
  };
  await assert.rejects(database.batch(slow), Unavailable);
  const readOnly = { set: write(sql`SET TRANSACTION READ ONLY`), made: owner('a') };
  await assert.rejects(database.batch(readOnly), Unavailable);
  await database.batch({ made: owner('b') });
});

test('turns, conversations and background turns whose connections are cut all the time are done once', async (t) => {
  const { database, whole, proxy } = await open(t);
  const door = await openInProcess({ database });
  t.after(() => door.close());
  let batches = 0;
  proxy.decide(() => (++batches % 5 > 0 ? 'passes' : batches % 10 > 0 ? 'before' : 'after'));
  const model = door.model.script(says('Hello'));
  const id = await conversation(door);
  let previous: string | undefined;
  const said: string[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const input = `turn ${turn}`;
    await create(door, { model, conversation: id, input });
    said.push(`user: ${input}`, 'assistant: Hello');
    const { final } = await stream(door, { model, input, previous_response_id: previous });
    assert.equal(final.status, 'completed');
    previous = (await create(door, { model, input, previous_response_id: final.id })).id;
    const { id: queued } = await create(door, { model, input, background: true });
    await until(async () => (await stored(door, queued)).status === 'completed');
    const added = await ask(door, 'POST', `/v1/conversations/${id}/items`, {
      items: [{ role: 'user', content: input }],
    });
    assert.equal(added.status, 200);
    said.push(`user: ${input}`);
    assert.equal((await ask(door, 'DELETE', `/v1/responses/${queued}`)).status, 200);
    assert.equal((await ask(door, 'DELETE', `/v1/responses/${queued}`)).status, 404);
  }
  assert.ok(proxy.cuts > 10, 'they were cut');
  proxy.decide(() => 'passes');
  assert.deepEqual(await contents(door, id), said);
  const { open: unended } = await whole.batch({
    open: read(sql`SELECT r.id FROM responses r WHERE r.status IN ('queued', 'in_progress')`),
  });
  assert.deepEqual(unended, []);
});

test('a server with too few connections refuses a start with the cure, and costs a turn a 503 at most', async (t) => {
  const small = await startPostgres(['max_connections=8', 'superuser_reserved_connections=1']);
  t.after(() => small.stop());
  const url = await small.newDatabase();
  const turns = async (connections?: number) => {
    const open = () => openDatabase({ url, connections });
    const databases = [await open(), await open()];
    const doors = await Promise.all(databases.map((database) => openInProcess({ database })));
    const asked = doors.flatMap((door) => {
      const body = { model: door.model.script(says('Hello')), input: 'Hi', stream: true };
      return Array.from({ length: 30 }, async () => {
        const reply = await post(door, body);
        const text = await reply.text();
        return reply.status === 200 ? text.includes('event: response.completed') : `${reply.status} ${text}`;
      });
    });
    const replies = await Promise.all(asked);
    await Promise.all(doors.map((door) => door.close()));
    await Promise.all(databases.map((database) => database.close()));
    return replies;
  };
  assert.deepEqual(new Set(await turns(3)), new Set([true]));
  const replies = await turns();
  assert.ok(replies.includes(true));
  for (const reply of replies) if (reply !== true) assert.match(String(reply), /^503 .*overloaded/);

  const config = { models: [{ match: '*', backend: 'demo' }], processes: 3, database: { url, connections: 4 } };
  const told = async (config: object) => {
    let text = '';
    const code = await check(await writeConfig(newFolder(), config), {}, (line) => {
      text += `${line}\n`;
    });
    return [code, text.match(/^.*database\.url.*$/m)?.[0]];
  };
  const tooMany =
    'it takes 7 connections, and this configuration may open 12: give each process fewer by database.connections, or put a pooler in front of it';
  assert.deepEqual(await told(config), [2, `! database.url: ${tooMany}`]);
  assert.deepEqual(await told({ ...config, processes: 1 }), [0, 'database.url: PostgreSQL, without a pooler']);

  const all = connectPostgres(url, 20);
  t.after(() => all.close());
  const taken = Promise.allSettled(
    Array.from({ length: 20 }, () => all.batch({ wait: read(sql`SELECT pg_sleep(3)`) })),
  );
  await until(() =>
    openDatabase({ url }).then(
      (database) => database.close().then(() => false),
      (error) => /too many clients .*database\.connections/.test(error.message) || assert.fail(error),
    ),
  );
  await taken;
});
