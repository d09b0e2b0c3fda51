import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ApiError } from '../../handler/errors.ts';
import { StoredKeys } from '../../handler/identity/stored-keys.ts';
import { fixedLimits } from '../../handler/limits.ts';
import type { StoredKey } from '../../handler/state/keys.ts';

const HERE = { peer: '192.0.2.1' };

/** Keys of a database that counts its reads, and a clock that stands still. */
function open(...ids: string[]) {
  const clock = { ms: 0 };
  const rows = new Map<string, StoredKey>();
  const add = (id: string) =>
    rows.set(id, { id, sha256: '', tenant: 'default', expires: Number.POSITIVE_INFINITY, created: 0 });
  ids.forEach(add);
  const database = { reads: 0, fails: false };
  const keys = new StoredKeys(
    async (id) => {
      database.reads++;
      if (database.fails) throw new Error('gone');
      return rows.get(id);
    },
    () => clock.ms,
  );
  const revoke = (id: string) => rows.set(id, { ...(rows.get(id) as StoredKey), revoked: 1 });
  const outcome = async (id: string, sender = HERE) => {
    try {
      const key = await keys.find(id, sender);
      return key ? (key.revoked === undefined ? 'good' : 'revoked') : 'none';
    } catch (error) {
      assert.ok(error instanceof ApiError);
      assert.equal(error.headers['retry-after'], '1');
      return error.kind;
    }
  };
  return { clock, rows, add, database, revoke, outcome };
}

/** Lets what runs beside a look-up come to its end. */
const settled = () => new Promise(setImmediate);

describe('keys of the database', () => {
  test('one read is enough for all who ask within its time', async () => {
    const { clock, database, outcome } = open('a');
    for (clock.ms = 0; clock.ms < fixedLimits.keyAge / 2; clock.ms += 100) assert.equal(await outcome('a'), 'good');
    assert.equal(database.reads, 1);
  });

  test('a revoked key stops within 5 s, whenever it was last read, and however often it is asked for', async () => {
    for (const pause of [1, 700, 1_999, 3_999, 4_000]) {
      const { clock, revoke, outcome } = open('a');
      assert.equal(await outcome('a'), 'good');
      revoke('a');
      while (clock.ms < 5_000) {
        clock.ms += pause;
        await outcome('a');
        await settled();
      }
      assert.equal(await outcome('a'), 'revoked', `asked each ${pause} ms`);
    }
  });

  test('a key that is used all the time is read now and then, and nobody waits for that', async () => {
    const { clock, database, outcome } = open('a');
    await outcome('a');
    for (; clock.ms < 60_000; clock.ms += 10) {
      await outcome('a');
      await settled();
    }
    assert.ok(database.reads <= 31, `${database.reads} reads`);
  });

  test('a new key works at once, and an id that nobody has is looked for once', async () => {
    const { clock, database, add, outcome } = open();
    for (let time = 0; time < 10; time++) assert.equal(await outcome('b'), 'none');
    assert.equal(database.reads, 1);
    add('c');
    assert.equal(await outcome('c'), 'good');
    add('b');
    clock.ms += fixedLimits.keyAge;
    assert.equal(await outcome('b'), 'good');
  });

  test('100,000 keys that nobody has cost a bounded number of reads, and leave others what is theirs', async () => {
    const { clock, database, outcome } = open('mine', 'new', 'near');
    assert.equal(await outcome('mine'), 'good');
    const outcomes = new Map<string, number>();
    for (let n = 0; n < 100_000; n++) {
      const told = await outcome(`made${n}`);
      outcomes.set(told, (outcomes.get(told) ?? 0) + 1);
    }
    const { keyMissesPerNetwork: share, keyMisses } = fixedLimits;
    assert.deepEqual(Object.fromEntries(outcomes), { none: share, overloaded: 100_000 - share });
    assert.equal(database.reads, 1 + share);
    // Who is known is not asked about; who is new and elsewhere is; who is new and of the same network is a moment later.
    assert.equal(await outcome('mine'), 'good');
    assert.equal(await outcome('new', { peer: '198.51.100.1' }), 'good');
    assert.equal(await outcome('near'), 'overloaded');
    clock.ms += 10;
    assert.equal(await outcome('near'), 'good');
    // From many networks at once.
    for (let n = 0; n < 10_000; n++) await outcome(`more${n}`, { peer: `2001:db8:0:${n.toString(16)}::1` });
    assert.ok(database.reads <= 3 + 1.01 * keyMisses, `${database.reads} reads`);
  });

  test('keys that somebody has are no misses: all of them may come at once after a start', async () => {
    const ids = Array.from({ length: 3_000 }, (_, n) => `k${n}`);
    const { outcome } = open(...ids);
    for (const id of ids) assert.equal(await outcome(id), 'good');
  });

  test('what is known is bounded: the key read longest ago is read again', async () => {
    const ids = Array.from({ length: fixedLimits.keys + 1 }, (_, n) => `k${n}`);
    const { database, outcome } = open(...ids);
    for (const id of ids) await outcome(id);
    const { reads } = database;
    await outcome(ids.at(-1) ?? '');
    assert.equal(database.reads, reads);
    await outcome('k0');
    assert.equal(database.reads, reads + 1);
  });

  test('while the database does not answer, known keys go on for a minute, and others are told to come again', async () => {
    const { clock, database, outcome } = open('a', 'b');
    assert.equal(await outcome('a'), 'good');
    database.fails = true;
    for (; clock.ms < fixedLimits.keyOutage; clock.ms += 10) {
      assert.equal(await outcome('a'), 'good');
      assert.equal(await outcome('b'), 'overloaded');
      await settled();
    }
    assert.equal(await outcome('a'), 'overloaded');
    assert.ok(database.reads <= 65, `${database.reads} reads`);
    database.fails = false;
    clock.ms += 1_000;
    assert.equal(await outcome('a'), 'good');
    assert.equal(await outcome('b'), 'good');
  });

  test('a database that hangs is one that does not answer', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const keys = new StoredKeys(
      () => new Promise(() => {}),
      () => 0,
    );
    const asked = keys.find('a', HERE);
    t.mock.timers.tick(1_000);
    await assert.rejects(async () => asked, { kind: 'overloaded' });
    await assert.rejects(async () => keys.find('b', HERE), { kind: 'overloaded' });
  });
});
