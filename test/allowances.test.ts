import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admit, type TurnHold } from '../handler/allowances/admission.ts';
import type { Allowance } from '../handler/allowances/allowance.ts';
import { Ledger } from '../handler/allowances/ledger.ts';
import { ApiError } from '../handler/errors.ts';
import { removeOldAllowances } from '../handler/state/allowances.ts';
import type { Database } from '../handler/state/database/database.ts';
import { read, sql } from '../handler/state/database/sql.ts';
import { testDatabase } from './support/doors/database.ts';

/** A window that no test sees the end of. */
const LONG = 365 * 24 * 3_600_000;

function allowance(limit: number, more: Partial<Allowance> = {}): Allowance {
  const own = { tenant: 'acme', name: 'tenant requests ', scope: 'tenant', cost: undefined } as const;
  return { ...own, measure: 'requests', limit, window: LONG, ...more };
}

const NOTHING = { tokens: 0, costs: {} };

/** Asks until it is refused, and returns how many were admitted. */
async function useUp(ledger: Ledger, ...allowances: Allowance[]): Promise<number> {
  for (let count = 0; ; count++) {
    try {
      const admission = await admit(ledger, allowances, NOTHING);
      await admission.end(NOTHING);
    } catch (error) {
      assert.ok(error instanceof ApiError && error.kind === 'allowance', String(error));
      return count;
    }
  }
}

async function usedIn(database: Database): Promise<number> {
  const { found } = await database.batch({
    found: read(sql`SELECT sum(used) AS used FROM allowances WHERE tenant = 'acme'`),
  });
  return Number(found[0]?.used);
}

test('several processes use all of a limit together, and no more', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  const ledgers = Array.from({ length: 4 }, () => new Ledger(database));
  const counts = await Promise.all(ledgers.map((ledger) => useUp(ledger, allowance(1_000))));
  assert.equal(
    counts.reduce((a, b) => a + b),
    1_000,
    counts.join(),
  );
  await Promise.all(ledgers.map((ledger) => ledger.close()));
  assert.equal(await usedIn(database), 1_000);
});

test('most turns ask nobody', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  let batches = 0;
  const counted: Database = {
    ...database,
    batch(statements) {
      batches++;
      return database.batch(statements);
    },
    close: () => database.close(),
  };
  const ledger = new Ledger(counted);
  t.after(() => ledger.close());
  for (let turn = 0; turn < 800; turn++) await (await admit(ledger, [allowance(10_000)], NOTHING)).end(NOTHING);
  assert.ok(batches <= 3, String(batches));
});

test('what a process has not used it gives back when it closes, and what a dead one had comes free', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const [closing, dying, last] = [new Ledger(database), new Ledger(database, true), new Ledger(database)];
  await admit(closing, [allowance(100)], NOTHING);
  await closing.close();
  const admission = await admit(dying, [allowance(100)], NOTHING); // the database never hears of its end
  assert.ok(admission.headers());
  const first = await useUp(last, allowance(100));
  assert.ok(first >= 90 && first < 99, `${first}: the dead one has some ahead`);
  t.mock.timers.tick(7_000);
  assert.equal(first + (await useUp(last, allowance(100))), 99, 'but for the one that was made: nobody knows of it');
  await last.close();
});

test('tokens are estimated first, and settled by what was used', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  const ledger = new Ledger(database);
  const tokens = allowance(1_000, { name: 'tenant tokens ', measure: 'tokens', window: 60_000 });
  const begin = (estimate: number) => admit(ledger, [tokens], { tokens: estimate, costs: {} });
  const turns: TurnHold[] = [];
  for (let turn = 0; turn < 5; turn++) turns.push(await begin(200));
  await assert.rejects(async () => begin(1), { kind: 'allowance', limit: 'tenant.tokens' });
  for (const turn of turns) turn.end({ tokens: 50, costs: {} });
  const next = await begin(700);
  assert.equal(next.headers()['x-ratelimit-remaining-tokens'], '50');
  next.end({ tokens: 5_000, costs: {} });
  await assert.rejects(async () => begin(1), { kind: 'allowance' });
  assert.equal(turns[0]?.headers()['x-ratelimit-remaining-tokens'], '0');
  await ledger.close();
  assert.equal(await usedIn(database), 5_250);
});

test('all of several limits, or none', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  const ledger = new Ledger(database);
  const [wide, narrow] = [allowance(100, { name: 'wide' }), allowance(3, { name: 'narrow', scope: 'user' })];
  assert.equal(await useUp(ledger, wide, narrow), 3);
  assert.equal(await useUp(ledger, wide), 97, 'those that the other refused took nothing');
  await ledger.close();
});

test('what was not made is taken back', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  const ledger = new Ledger(database);
  for (let turn = 0; turn < 10; turn++) (await admit(ledger, [allowance(2)], NOTHING)).undo();
  assert.equal(await useUp(ledger, allowance(2)), 2);
  await ledger.close();
});

test('a window begins anew, and old ones are removed', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  t.mock.timers.enable({ apis: ['Date'], now: 600_000 });
  const ledger = new Ledger(database);
  const minute = allowance(5, { window: 60_000 });
  assert.equal(await useUp(ledger, minute), 5);
  t.mock.timers.tick(59_999);
  assert.equal(await useUp(ledger, minute), 0);
  t.mock.timers.tick(1);
  assert.equal(await useUp(ledger, minute), 5);
  await ledger.close();
  assert.equal(await usedIn(database), 10);
  assert.equal(await removeOldAllowances(database, 660_000 + 60_001), true);
  assert.equal(await usedIn(database), 5);
});

test('a database that does not answer refuses, and what was used meanwhile is not lost', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  let isAway = false;
  const flaky: Database = {
    ...database,
    batch: (statements) => (isAway ? Promise.reject(new Error('away')) : database.batch(statements)),
    close: () => database.close(),
  };
  const ledger = new Ledger(flaky);
  for (let turn = 0; turn < 3; turn++) await admit(ledger, [allowance(160)], NOTHING);
  isAway = true;
  const refused = Array.from({ length: 30 }, async () => admit(ledger, [allowance(160)], NOTHING));
  const settled = await Promise.allSettled(refused);
  const reasons = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  assert.ok(reasons.length > 0);
  for (const reason of reasons) assert.equal(reason.kind, 'overloaded');
  isAway = false;
  const used = 3 + settled.length - reasons.length;
  assert.equal(await useUp(ledger, allowance(160)), 160 - used);
  await ledger.close();
  assert.equal(await usedIn(database), 160);
});

test('what a turn uses counts in the window in which it ends', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  t.mock.timers.enable({ apis: ['Date'], now: 600_000 });
  const ledger = new Ledger(database);
  const tokens = allowance(100, { measure: 'tokens', window: 60_000 });
  const turn = await admit(ledger, [tokens], { tokens: 60, costs: {} });
  t.mock.timers.tick(60_000);
  await assert.rejects(async () => admit(ledger, [tokens], { tokens: 60, costs: {} }), { kind: 'allowance' });
  turn.end({ tokens: 90, costs: {} });
  t.mock.timers.tick(1_000); // so long nothing is asked again
  assert.equal(turn.headers()['x-ratelimit-remaining-tokens'], '10');
  (await admit(ledger, [tokens], { tokens: 10, costs: {} })).end(NOTHING);
  await ledger.close();
  const { found } = await database.batch({
    found: read(sql`SELECT used FROM allowances WHERE tenant = 'acme' ORDER BY starts`),
  });
  assert.deepEqual(
    found.map(({ used }) => Number(used)),
    [0, 90],
  );
});
