import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryBudget } from '../../handler/index.ts';
import type { Database } from '../../handler/state/database/database.ts';
import { read, sql } from '../../handler/state/database/sql.ts';
import { HistoryCache } from '../../handler/state/history-cache.ts';
import { findResponse } from '../../handler/state/idempotency.ts';
import { ProcessLease } from '../../handler/state/process-lease.ts';
import { sweep } from '../../handler/state/sweep.ts';
import { create } from '../promises/ask.ts';
import { longReply, until } from '../promises/state-ask.ts';
import { testDatabase } from '../support/doors/database.ts';
import { type Door, post } from '../support/doors/door.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { failsMidway, says } from '../support/model/scripted.ts';

const HOUR = 3_600_000;
const KEY = { 'idempotency-key': 'a key' };

const under = (door: Door, model: string, body: object = {}) =>
  post(door, { model, input: 'Hi', ...body }, { headers: KEY });
const idOf = async (reply: Response) => ((await reply.json()) as { id: string }).id;

/** A database that counts its round trips and can be taken away. */
async function watched() {
  const whole = await testDatabase();
  const state = { trips: 0, away: false };
  const database: Database = {
    ...whole,
    async batch(statements) {
      state.trips++;
      if (state.away) throw new Error('away');
      return whole.batch(statements);
    },
  };
  return { database, whole, state };
}

async function keysIn(database: Database): Promise<string[]> {
  const { keys } = await database.batch({ keys: read(sql`SELECT response FROM idempotency`) });
  return keys.map(({ response }) => String(response));
}

test('a key costs two round trips, and a request without one none', async (t) => {
  const { database, state } = await watched();
  const door = await openInProcess({ database, usage: false });
  t.after(() => door.close());
  const model = door.model.script(says('Hello'));
  await create(door, { model });
  assert.equal(state.trips, 1);
  await idOf(await under(door, model));
  assert.equal(state.trips, 4);
  await idOf(await under(door, model));
  assert.equal(state.trips, 6);
  await (await under(door, model, { store: false })).text();
  assert.equal(state.trips, 6);
});

test('of two processes that share a database, one runs what has one key', async (t) => {
  const database = await testDatabase();
  const doors = [await openInProcess({ database }), await openInProcess({ database })];
  t.after(async () => {
    for (const door of doors) await door.close();
  });
  // The processes have the same models; here each has its own, of the same name.
  const scripts = doors.map(() => longReply());
  const [model = ''] = doors.map((door, n) => door.model.script(scripts[n]?.script ?? assert.fail()));
  const all = [...doors, ...doors, ...doors].map((door) => under(door, model));
  let refused = 0;
  for (const reply of all) void reply.then(({ status }) => (refused += status === 409 ? 1 : 0));
  await until(() => refused === all.length - 1);
  for (const { release } of scripts) release();
  const statuses = (await Promise.all(all)).map(({ status }) => status).sort();
  assert.deepEqual(statuses, [200, 409, 409, 409, 409, 409]);
  const ids = await Promise.all(doors.map(async (door) => idOf(await under(door, model))));
  assert.equal(ids[0], ids[1]);
  const calls = doors.map((door) => door.model.calls(model).length);
  assert.equal((calls[0] ?? 0) + (calls[1] ?? 0), 1);
});

test('a key goes with its response, and one that was taken over stays with the new one', async (t) => {
  const database = await testDatabase();
  const door = await openInProcess({ database, retention: HOUR });
  const longer = await openInProcess({ database });
  t.after(async () => {
    await door.close();
    await longer.close();
  });
  const model = door.model.script(failsMidway({ code: 500 }), says('two'));
  await (await under(door, model)).text();
  assert.equal((await keysIn(database)).length, 1);
  const other = longer.model.script(says('longer'));
  const id = await idOf(await under(longer, other));
  assert.deepEqual(await keysIn(database), [id]);
  const at = (later: number) => sweep(database, new ProcessLease(1_000), Date.now() + later);
  await at(2 * HOUR);
  assert.deepEqual(await keysIn(database), [id], 'the failed response has gone, and left the key');
  assert.equal(await idOf(await under(longer, other)), id);
  await at(31 * 24 * HOUR);
  assert.deepEqual(await keysIn(database), []);
});

test('the key of a process that has died is free', async (t) => {
  const { database, whole, state } = await watched();
  const dying = await openInProcess({ database, lease: 600 });
  const other = await openInProcess({ database: whole, lease: 600 });
  t.after(async () => {
    await dying.close();
    await other.close();
  });
  const { script, begun, release } = longReply();
  const model = dying.model.script(script);
  other.model.script(says('mine'));
  const lost = under(dying, model);
  await begun;
  assert.equal((await under(other, model)).status, 409);
  state.away = true;
  let reply = await under(other, model);
  await until(async () => {
    if (reply.status === 409) reply = await under(other, model);
    return reply.status !== 409;
  });
  assert.equal(reply.status, 200);
  const id = await idOf(reply);
  state.away = false;
  release();
  assert.equal((await lost).status, 500);
  assert.equal(await idOf(await under(other, model)), id);
});

test('a key is its tenant’s own', async (t) => {
  const database = await testDatabase();
  const door = await openInProcess({ database });
  t.after(() => door.close());
  const id = await idOf(await under(door, door.model.script(says('Hello'))));
  const { found } = await database.batch({ found: read(sql`SELECT tenant, hash FROM idempotency`) });
  const [row] = found;
  const budget = new MemoryBudget(1_000_000);
  const store = {
    database,
    lease: new ProcessLease(1_000),
    lastWrite: { failed: false },
    webhooks: [],
    logRetention: 1_000,
    retention: HOUR,
    stored: Number.POSITIVE_INFINITY,
    history: 1_000,
    memory: budget.open(),
    histories: new HistoryCache(budget),
  };
  const key = { key: 'a key', hash: String(row?.hash) };
  assert.equal(await findResponse({ ...store, tenant: String(row?.tenant) }, key), id);
  assert.equal(await findResponse({ ...store, tenant: 'another' }, key), undefined);
});
