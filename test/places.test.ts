import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PlaceLedger } from '../handler/allowances/places.ts';
import { ApiError } from '../handler/errors.ts';
import { leaveBackgroundPlace, takeBackgroundPlace } from '../handler/state/background-places.ts';
import type { Batch, Database } from '../handler/state/database/database.ts';
import { read, sql, write } from '../handler/state/database/sql.ts';
import { testDatabase } from './support/doors/database.ts';

const LIMIT = 32;
const acme = { id: 'ann', tenant: 'acme' };

/** A database, and processes on it that can be cut off from it. */
async function open(t: TestContext) {
  const database = await testDatabase();
  const ledgers: PlaceLedger[] = [];
  t.after(async () => {
    for (const ledger of ledgers) await ledger.close();
    await database.close();
  });
  return {
    database,
    process() {
      const own = { batches: 0, isCut: false };
      const counted: Database = {
        ...database,
        async batch<B extends Batch>(batch: B) {
          if (own.isCut) throw new Error('cut off');
          own.batches++;
          return database.batch(batch);
        },
      };
      const ledger = new PlaceLedger(counted);
      ledgers.push(ledger);
      const take = (max: object = { tenant: LIMIT }, who: object = acme) =>
        ledger.take({ ...acme, ...who }, 'turns', max);
      return { own, ledger, take };
    },
  };
}

/** Stops the clock, and gives what lets some of its time pass, with the looks of all processes and what they do, or without. */
function standStill(t: TestContext): (ms: number, looks?: boolean) => Promise<void> {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let now = 1_000;
  t.mock.method(performance, 'now', () => now);
  return async (ms, looks = true) => {
    now += ms;
    if (looks) t.mock.timers.tick(ms);
    for (let turn = 0; turn < 30; turn++) await new Promise(setImmediate);
  };
}

/** Takes until it is refused, and gives what was taken. */
async function takeAll(take: () => ReturnType<PlaceLedger['take']>): Promise<(() => void)[]> {
  const taken: (() => void)[] = [];
  for (;;) {
    try {
      taken.push((await take()) ?? assert.fail());
    } catch (error) {
      assert.ok(error instanceof ApiError && error.kind === 'caller_limit', String(error));
      return taken;
    }
  }
}

test('places that are used again and again are asked for once, and where nothing is limited nobody is asked', async (t) => {
  const { process } = await open(t);
  const { own, take } = process();
  assert.equal(take({}), undefined);
  assert.equal(own.batches, 0);
  for (let n = 0; n < 50; n++) {
    const taken = take();
    assert.equal(taken instanceof Promise, n === 0);
    (await taken)?.();
  }
  assert.equal(own.batches, 1);
});

test('two processes have as many as the limit together, and what one gives back the other has', async (t) => {
  const pass = standStill(t);
  const { process } = await open(t);
  const [one, other] = [process(), process()];
  const [first, second] = await Promise.all([takeAll(one.take), takeAll(other.take)]);
  assert.equal(first.length + second.length, LIMIT);
  for (const giveBack of [...first, ...second]) giveBack();
  // It goes back when it was not used from one look to the next.
  await pass(500);
  await pass(500);
  assert.equal((await takeAll(other.take)).length, LIMIT);
  assert.equal((await takeAll(one.take)).length, 0);
});

test('a caller has its own limit beside its tenant’s, the lower of two keys, and takes nothing where it is refused', async (t) => {
  const { process } = await open(t);
  const { take } = process();
  const other = process();
  const own = await takeAll(() => take({ caller: 3, tenant: 8 }));
  assert.equal(own.length, 3);
  assert.equal((await takeAll(() => other.take({ caller: 2, tenant: 8 }))).length, 0);
  assert.equal((await takeAll(() => other.take({ tenant: 8 }, { id: 'bob' }))).length, 5);
  own[0]?.();
  own[1]?.();
  assert.equal((await takeAll(() => take({ caller: 2, tenant: 8 }))).length, 1);
  assert.equal((await takeAll(() => take({ tenant: 8 }, { tenant: 'other' }))).length, 8);
});

test('a lower limit after a reload holds as soon as fewer are taken, and a higher one at once', async (t) => {
  const { process } = await open(t);
  const { take } = process();
  const taken = await takeAll(() => take({ tenant: 4 }));
  assert.equal((await takeAll(() => take({ tenant: 2 }))).length, 0);
  for (const giveBack of taken.slice(0, 3)) giveBack();
  assert.equal((await takeAll(() => take({ tenant: 2 }))).length, 1);
  assert.equal((await takeAll(() => take({ tenant: 6 }))).length, 4);
});

test('a process that ends gives all back at once', async (t) => {
  const { process } = await open(t);
  const [one, other] = [process(), process()];
  assert.equal((await takeAll(one.take)).length, LIMIT);
  await one.ledger.close();
  assert.equal((await takeAll(other.take)).length, LIMIT);
});

test('one that gives no sign of life loses its places after ten seconds of looking, and takes none unasked', async (t) => {
  const pass = standStill(t);
  const { process } = await open(t);
  const [one, other] = [process(), process()];
  const taken = await takeAll(one.take);
  one.own.isCut = true;
  taken[0]?.();
  (await one.take())?.(); // it is its own still
  const begun = performance.now();
  // A process that was stopped has not been looking.
  assert.equal((await takeAll(other.take)).length, 0);
  await pass(60_000, false);
  assert.equal((await takeAll(other.take)).length, 0);
  await assert.rejects(async () => one.take(), { kind: 'overloaded' });
  let ended: (() => void)[] = [];
  while (ended.length === 0) {
    assert.ok(performance.now() - begun < 120_000);
    await pass(500);
    ended = await takeAll(other.take);
  }
  assert.ok(performance.now() - begun >= 65_000);
  assert.equal(ended.length, LIMIT);
  one.own.isCut = false;
  assert.equal((await takeAll(one.take)).length, 0);
  for (const giveBack of ended) giveBack();
});

test('a background turn counts from before it is stored to its end, and no longer where it is not stored', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2030, 0, 1) });
  const { database } = await open(t);
  const max = { tenant: 3, caller: 2 };
  const place = (id: string, caller = 'ann') => ({ tenant: 'acme', partition: `acme\u001f${caller}`, caller, id, max });
  const take = (id: string, caller?: string) => takeBackgroundPlace(database, place(id, caller));
  assert.equal(await take('1'), undefined);
  assert.equal(await take('2'), undefined);
  assert.equal(await take('3'), 'caller');
  assert.equal(await take('3', 'bob'), undefined);
  assert.equal(await take('4', 'eve'), 'tenant');
  assert.equal(await takeBackgroundPlace(database, { ...place('5'), tenant: 'other', partition: 'other' }), undefined);
  await leaveBackgroundPlace(database, place('3', 'bob'));
  assert.equal(await take('4', 'eve'), undefined);
  const { partition } = place('1');
  await database.batch({
    response: write(sql`INSERT INTO responses (tenant, id, owner, status, background, compacted, expires_at, body)
      VALUES (${partition}, '1', '', 'queued', 1, 0, ${2 ** 50}, '{}')`),
    job: write(
      sql`INSERT INTO jobs (tenant, response, body, progress, calling, caller) VALUES (${partition}, '1', '', '', 0, 'ann')`,
    ),
  });
  assert.equal(await take('5'), 'caller', 'it counts once');
  t.mock.timers.tick(60_000);
  // Whoever was about to store the others has died.
  assert.equal(await take('6'), undefined);
  assert.equal(await take('7'), 'caller');
  await database.batch({ ended: write(sql`UPDATE responses SET status = 'completed' WHERE tenant = ${partition}`) });
  assert.equal(await take('7'), undefined);
  const { left } = await database.batch({
    left: read(sql`SELECT count(*) AS n FROM jobs WHERE tenant = ${partition}`),
  });
  assert.equal(Number(left[0]?.n), 1);
});
