import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApiError, MemoryBudget } from '../handler/index.ts';
import { BodyMemory } from '../shim/body-memory.ts';

const MiB = 1024 * 1024;

test('what is taken is given back by the reservation that took it, whatever became of it', () => {
  const budget = new MemoryBudget(10 * MiB);
  const [one, other] = [budget.open(), budget.open()];
  one.takeParsed(2 * MiB);
  other.take(MiB);
  assert.deepEqual([budget.taken, budget.free, other.parsable], [9 * MiB, MiB, MiB / 4]);
  assert.throws(
    () => other.take(2 * MiB),
    (error: ApiError) => error.kind === 'overloaded' && error.headers['retry-after'] === '1',
  );
  assert.equal(budget.taken, 9 * MiB, 'what is refused takes nothing');
  other.add(5 * MiB);
  assert.deepEqual([budget.taken, budget.free], [14 * MiB, 0], 'what is there already counts, room or not');
  other.giveBack(2 * MiB);
  one.close();
  one.close();
  one.add(MiB);
  assert.equal(budget.taken, 4 * MiB);
  other.close();
  assert.equal(budget.taken, 0);
});

test('bodies that come in have half of it, and leave the rest to those that are whole', () => {
  const budget = new MemoryBudget(10 * MiB);
  const slow = Array.from({ length: 6 }, () => new BodyMemory(budget));
  assert.deepEqual(
    slow.map((body) => body.take(MiB)),
    [true, true, true, true, true, false],
  );
  assert.equal(budget.taken, 5 * MiB);
  slow[0]?.settle();
  assert.equal(slow[5]?.take(0), true);
  assert.equal(budget.taken, 6 * MiB);
  assert.equal(new BodyMemory(budget).take(64 * 1024), true, 'a small one is always taken');
  for (const body of slow) body.close();
  assert.deepEqual([budget.taken, budget.arriving.taken], [0, 0]);
});

test('bytes that are not held count no more', () => {
  const budget = new MemoryBudget(MiB);
  const body = new BodyMemory(budget);
  assert.ok(body.take(100_000));
  body.forget(40_000);
  assert.equal(budget.taken, 60_000);
  body.forget(100_000);
  assert.equal(budget.taken, 0);
});

test('its limit changes without anybody losing what is taken: nothing is given until there is room again', () => {
  const budget = new MemoryBudget(10 * MiB);
  let shrunkTo = 0;
  budget.spare = {
    shrinkTo(bytes) {
      shrunkTo = bytes;
    },
  };
  const held = budget.open();
  held.take(6 * MiB);
  const arriving = new BodyMemory(budget);
  assert.ok(arriving.take(3 * MiB));
  budget.setLimit(4 * MiB);
  assert.deepEqual([budget.taken, budget.free, shrunkTo, budget.arriving.limit], [9 * MiB, 0, 0, 2 * MiB]);
  assert.throws(() => budget.open().take(1), { kind: 'overloaded' });
  held.close();
  assert.equal(new BodyMemory(budget).take(MiB), false, 'bodies that come in have more than their half');
  budget.open().take(MiB);
  assert.equal(budget.free, 0);
  budget.setLimit(20 * MiB);
  assert.deepEqual([budget.free, shrunkTo], [16 * MiB, 16 * MiB]);
  assert.ok(arriving.take(7 * MiB));
  arriving.close();
  assert.deepEqual([budget.taken, budget.arriving.taken], [MiB, 0]);
});
