import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import type { Database } from '../handler/index.ts';
import { MemoryBudget } from '../handler/memory-budget.ts';
import { refuseTooLarge } from '../handler/state/bounded.ts';
import { getItem, listItems } from '../handler/state/conversation-items.ts';
import { getConversation } from '../handler/state/conversations.ts';
import { migrate } from '../handler/state/database/schema.ts';
import { read, sql } from '../handler/state/database/sql.ts';
import { sqliteDatabase } from '../handler/state/database/sqlite.ts';
import { countDeliveries, nextDue } from '../handler/state/deliveries.ts';
import { readHistory, rereadHistory } from '../handler/state/history.ts';
import { HistoryCache } from '../handler/state/history-cache.ts';
import { findResponse, refuseUsedKey } from '../handler/state/idempotency.ts';
import { findProgress, ownsJob, takeJobMemory, waitingJobs } from '../handler/state/jobs.ts';
import { findKey, listKeys } from '../handler/state/keys.ts';
import { listConversations, listResponses } from '../handler/state/lists.ts';
import { hasLog, readLog } from '../handler/state/log.ts';
import { holdersOf, ownerOf } from '../handler/state/owner.ts';
import { ProcessLease } from '../handler/state/process-lease.ts';
import { findItems, idsInConversation } from '../handler/state/references.ts';
import { getResponse, getStatus, getStoredResponse, listInputItems } from '../handler/state/responses.ts';
import { findTenantKeys, keyOfEachSecret, keysOfSecret } from '../handler/state/tenant-keys.ts';
import type { TenantStore } from '../handler/state/tenant-store.ts';
import { measureTenants } from '../handler/state/tenants.ts';
import { findWritten } from '../handler/state/until-known.ts';
import { readUsage } from '../handler/state/usage.ts';
import { create } from './promises/ask.ts';
import { ask, conversation, have, type List, readablePaths } from './promises/state-ask.ts';
import { testConfig } from './support/doors/door.ts';
import { type InProcess, openInProcess, testHandler } from './support/doors/in-process.ts';
import { newFolder } from './support/folder.ts';
import { says } from './support/model/scripted.ts';

/** How long a process waits here for another one's lock, in milliseconds: whoever waits at all is refused. */
const PATIENCE = 50;

/** A door onto a database in a file, and another process's connection that may hold the lock of those who write. */
async function open(t: TestContext) {
  const dir = newFolder();
  const file = join(dir, 'a.db');
  const database = sqliteDatabase(new DatabaseSync(file), { defer: setImmediate, patience: PATIENCE });
  await migrate(database);
  const door = await openInProcess({ database });
  const other = new DatabaseSync(file);
  t.after(async () => {
    if (other.isTransaction) other.exec('ROLLBACK');
    await door.close();
    other.close();
    await database.close();
  });
  const lock = () => other.exec("BEGIN IMMEDIATE; INSERT INTO owners (id, alive_until) VALUES ('other', 0)");
  return { database, door, lock };
}

/** A conversation of a turn, and a turn that goes on from it, each with a summary. */
async function turns(door: InProcess) {
  const model = door.model.script(says('Hello'));
  const id = await conversation(door);
  await create(door, {
    model,
    conversation: id,
    input: [{ role: 'user', content: 'Hi' }, { type: 'compaction_trigger' }],
  });
  const inside = await create(door, { model, conversation: id });
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'a key' };
  const body = JSON.stringify({ model, input: 'Hi', previous_response_id: inside.id });
  const reply = await door.fetch('/v1/responses', { method: 'POST', headers, body });
  const last = (await reply.json()) as { id: string };
  const { data } = await have<List>(door, 'GET', `/v1/conversations/${id}/items`);
  const [item] = data;
  assert.ok(item);
  return { model, id, response: last.id, item: item.id };
}

function scopeOf(database: Database): TenantStore {
  const budget = new MemoryBudget(100_000_000);
  return {
    ...{
      database,
      tenant: 'default',
      lease: new ProcessLease(1_000),
      webhooks: [],
      memory: budget.open(),
      histories: new HistoryCache(budget),
    },
    ...{
      lastWrite: { failed: false },
      retention: 1_000,
      logRetention: 1_000,
      history: 100_000_000,
      stored: Number.POSITIVE_INFINITY,
    },
  };
}

/** What is said to read in `handler/state`, by the name of its export. */
function readers(store: TenantStore, { id, response, item }: Awaited<ReturnType<typeof turns>>) {
  const { database } = store;
  const page = { limit: 10, order: 'asc' } as const;
  const key = { key: 'a key', hash: 'another request' };
  const refused = (error: unknown) => String(error);
  return {
    getConversation: () => getConversation(store, id),
    listItems: () => listItems(store, id, { ...page, after: item }),
    getItem: () => getItem(store, id, item),
    getResponse: () => getResponse(store, response),
    getStoredResponse: () => getStoredResponse(store, response),
    getStatus: () => getStatus(store, response),
    listResponses: () => listResponses(store, { ...page, metadata: {} }),
    listConversations: () => listConversations(store, { ...page, metadata: {} }),
    findPlaces: () => listResponses(store, { ...page, metadata: { a: 'b' }, id: 'msg_1' }),
    readUsage: () => readUsage(database, { tenant: 'default', from: 0, to: 1, by: new Set(), limit: 1 }),
    measureTenants: () => measureTenants(database),
    listInputItems: () => listInputItems(store, response, page),
    readHistory: async () => [
      await readHistory(store, { previous_response_id: response }),
      await readHistory(store, { conversation: id }),
    ],
    rereadHistory: () => rereadHistory(store, response, { parent: null, chainStart: null }),
    refuseTooLarge: () =>
      refuseTooLarge(store, [{ from: sql`FROM items i`, order: sql`i.id` }], 1e9, 'x').catch(refused),
    findItems: () => findItems(store, [item]),
    idsInConversation: () => idsInConversation(store, id, [item]),
    findResponse: () => findResponse(store, key).catch(refused),
    refuseUsedKey: () => refuseUsedKey(store, key).catch(refused),
    takeJobMemory: () => takeJobMemory(store, response),
    ownsJob: () => ownsJob(store, response),
    findProgress: () => findProgress(store, response),
    waitingJobs: () => waitingJobs(database, 10),
    hasLog: () => hasLog(store, response),
    readLog: () => readLog(store, response, 0, -1),
    nextDue: () => nextDue(database, 'https://hooks'),
    countDeliveries: () => countDeliveries(database),
    findKey: () => findKey(database, 'k1'),
    holdersOf: () => holdersOf(store, [id]),
    ownerOf: () => ownerOf(store, id),
    listKeys: () => listKeys(database, { limit: 10 }),
    findTenantKeys: () => findTenantKeys(database, 'default'),
    keyOfEachSecret: () => keyOfEachSecret(database),
    findWritten: () => findWritten(store, response),
    keysOfSecret: () => keysOfSecret(database, 'k1', 10),
  };
}

/** The other exports of `handler/state` that go to a database, or wait for who does. */
const WRITERS = [
  ...['addItems', 'deleteItem', 'createConversation', 'updateConversation', 'deleteConversation', 'deleteResponse'],
  ...['beginTurn', 'claimJob', 'abandonJob', 'takeDue', 'retryRead', 'untilKnown', 'sweep', 'writeCharge'],
  ...['createKey', 'revokeKey', 'rotateKey', 'dropTenantKeys', 'addUpCharges', 'removeCharges'],
  ...['removeTenant', 'reserve', 'removeOldAllowances', 'listOlderResponses', 'listOlderConversations'],
  ...['takeChore', 'leaveChores'],
  ...['reservePlaces', 'keepPlaces', 'leavePlaces', 'forgetDead', 'takeBackgroundPlace', 'leaveBackgroundPlace'],
  ...['removeResponses', 'removeLogs', 'expireConversations', 'removeConversations'],
];

test('whatever reads goes on while another process writes for longer than anybody waits', async (t) => {
  const { database, door, lock } = await open(t);
  const reads = readers(scopeOf(database), await turns(door));
  lock();
  for (const [name, run] of Object.entries(reads)) assert.doesNotMatch(String(await run().catch(String)), /lock/, name);
  await assert.rejects(database.batch({ beat: read(sql`SELECT 1 FROM nowhere`) }), /no such table/);
  const folder = new URL('../handler/state/', import.meta.url);
  const named: string[] = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
    const all: Record<string, unknown> = await import(new URL(file, folder).href);
    for (const [name, value] of Object.entries(all)) {
      if (Object.prototype.toString.call(value) === '[object AsyncFunction]') named.push(name);
    }
  }
  const listed = new Set([...Object.keys(reads), ...WRITERS]);
  const unlisted = named.filter((name) => !listed.has(name));
  assert.deepEqual(
    unlisted,
    [],
    'exports of handler/state: one that reads goes into readers(), one that writes into WRITERS',
  );
  assert.deepEqual(
    [...listed].filter((name) => !named.includes(name)),
    [],
    'listed here, and not exported any more',
  );
});

/** The database's own secret is used, so that what is sealed needs it. */
async function keyless(
  t: TestContext,
  { door, database }: { door: InProcess; database: Database },
): Promise<InProcess> {
  const config = { ...testConfig(door.model), secrets: [], usage: false }; // a charge is a write
  const handler = await testHandler(door.model, { database, config });
  t.after(() => handler.close());
  return { ...door, fetch: (path, init) => handler.fetch(new Request(`http://x${path}`, init)) };
}

test('so does every request that only reads, in a process that has just begun as well', async (t) => {
  const { database, door, lock } = await open(t);
  const { model, id, response, item } = await turns(await keyless(t, { door, database }));
  lock();
  const fresh = await keyless(t, { door, database });
  for (const path of [...readablePaths('responses', response), ...readablePaths('conversations', id, item)]) {
    assert.equal((await ask(fresh, 'GET', path)).status, 200, path);
  }
  const input = [
    { type: 'item_reference', id: item },
    { role: 'user', content: 'Hi' },
  ];
  for (const past of [{ conversation: id }, { previous_response_id: response }]) {
    for (const path of ['responses', 'responses/input_tokens']) {
      const body = { model, input, ...past, ...(path === 'responses' && { store: false }) };
      const reply = await ask(fresh, 'POST', `/v1/${path}`, body);
      assert.equal(reply.status, 200, `${path} ${await reply.text()}`);
    }
  }
});
