import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf } from '../handler/caller.ts';
import { CallerCount, PlaceCount } from '../handler/caller-count.ts';
import type { ApiError } from '../handler/errors.ts';
import { FairQueue } from '../handler/fair-queue.ts';

const here = new AbortController().signal;

/** Enters one caller after another; gives who has a place, in order, and how each leaves. */
function entering(queue: FairQueue, signal = here) {
  const admitted: string[] = [];
  const leave = new Map<string, () => void>();
  const enter = async (name: string) => {
    const [caller = ''] = name.split('-');
    leave.set(name, await queue.enter({ id: caller }, signal));
    admitted.push(name);
  };
  return { admitted, leave: (name: string) => leave.get(name)?.(), enter };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const kind = (expected: string) => (error: ApiError) => error.kind === expected;

test('a caller alone has all places, and one who comes waits for one of them to be free', async () => {
  const queue = new FairQueue({ places: 3, waiting: 100 });
  const { admitted, leave, enter } = entering(queue);
  const all = ['a-1', 'a-2', 'a-3', 'a-4', 'a-5', 'b-1', 'c-1', 'b-2'].map(enter);
  await settled();
  assert.deepEqual(admitted, ['a-1', 'a-2', 'a-3']);
  leave('a-1');
  await settled();
  assert.equal(admitted[3], 'b-1');
  leave('a-2');
  await settled();
  assert.equal(admitted[4], 'c-1');
  for (const name of ['b-1', 'a-3', 'c-1', 'b-2', 'a-4']) {
    leave(name);
    await settled();
  }
  await Promise.all(all);
  assert.deepEqual(admitted.slice(5).sort(), ['a-4', 'a-5', 'b-2']);
  leave('a-5');
  assert.deepEqual(
    ['a', 'b', 'c'].map((caller) => queue.countOf({ id: caller })),
    [0, 0, 0],
  );
  assert.equal(typeof queue.enter({ id: 'd' }, here), 'function', 'at once, without a promise');
});

test('who leaves while waiting is forgotten, and a queue that is closed refuses', async () => {
  const queue = new FairQueue({ places: 1, waiting: 100 });
  const leave = await queue.enter({ id: 'a' }, here);
  const leaving = new AbortController();
  const waiting = queue.enter({ id: 'b' }, leaving.signal);
  const stays = Promise.resolve(queue.enter({ id: 'c' }, here));
  leaving.abort(new Error('left'));
  await assert.rejects(Promise.resolve(waiting), kind('cancelled'));
  assert.equal(queue.countOf({ id: 'b' }), 0);
  leave();
  (await stays)();
  const last = await queue.enter({ id: 'a' }, here);
  const refused = Promise.resolve(queue.enter({ id: 'b' }, here));
  const { overloaded } = await import('../handler/memory-budget.ts');
  queue.close(overloaded());
  await assert.rejects(refused, kind('overloaded'));
  last();
  assert.throws(() => queue.enter({ id: 'a' }, here), kind('overloaded'));
});

test('a caller has its own limit, and where too many wait those with the most make room', async () => {
  const capped = new FairQueue({ places: 10, waiting: 10, perCaller: 2 });
  capped.enter({ id: 'a' }, here);
  capped.enter({ id: 'a' }, here);
  assert.throws(() => capped.enter({ id: 'a' }, here), kind('caller_limit'));
  capped.enter({ id: 'b' }, here);
  const full = new FairQueue({ places: 1, waiting: 3 });
  full.enter({ id: 'a' }, here);
  const waiting = [1, 2, 3].map(() => Promise.resolve(full.enter({ id: 'a' }, here)));
  assert.throws(() => full.enter({ id: 'a' }, here), kind('overloaded'));
  const other = Promise.resolve(full.enter({ id: 'b' }, here));
  await assert.rejects(waiting[2] ?? assert.fail(), kind('overloaded'));
  assert.deepEqual([full.countOf({ id: 'a' }), full.countOf({ id: 'b' })], [3, 1]);
  void other;
});

test('callers are told apart by network', () => {
  for (const [peer, network] of [
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:4711', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['[::ffff:192.0.2.7]:80', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['[2001:DB8:1:2::9]:443', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ] as const) {
    assert.equal(networkOf(peer), network, peer);
  }
});

test('its limits change without anybody losing a place: fewer are taken later, more go to those who wait', async () => {
  const queue = new FairQueue({ places: 3, waiting: 100, perCaller: 3 });
  const { admitted, leave, enter } = entering(queue);
  const all = ['a-1', 'a-2', 'b-1', 'b-2', 'c-1', 'e-1'].map(enter);
  await settled();
  queue.setLimits({ places: 1, waiting: 1, perCaller: 1 });
  assert.deepEqual([queue.countOf({ id: 'a' }), queue.countOf({ id: 'b' }), queue.countOf({ id: 'c' })], [2, 2, 1]);
  assert.throws(() => queue.enter({ id: 'a' }, here), kind('caller_limit'));
  assert.throws(() => queue.enter({ id: 'd' }, here), kind('overloaded'));
  for (const name of ['a-1', 'a-2']) leave(name);
  await settled();
  assert.deepEqual(admitted, ['a-1', 'a-2', 'b-1'], 'b holds the only place that is left');
  leave('b-1');
  await settled();
  assert.equal(admitted.length, 4);
  queue.setLimits({ places: 5, waiting: 100 });
  await settled();
  assert.deepEqual(admitted.slice(3).sort(), ['b-2', 'c-1', 'e-1'], 'all who waited are let in at once');
  await Promise.all(all);
  for (const name of ['b-2', 'c-1', 'e-1']) leave(name);
  const places = Array.from({ length: 5 }, () => queue.enter({ id: 'a' }, here));
  assert.ok(
    places.every((place) => typeof place === 'function'),
    'every place was given back',
  );
});

test('a count per caller may get another limit: who has more keeps it, and gets nothing more', () => {
  const counts = new CallerCount();
  const gone = [counts.hold('a'), counts.hold('a')];
  counts.setMax(1);
  assert.ok(counts.isFull('a'));
  assert.equal(counts.countOf('a'), 2);
  for (const leave of gone) leave();
  assert.ok(!counts.isFull('a'));
  counts.setMax();
  counts.hold('a');
  assert.ok(!counts.isFull('a'));
});

test('places are shared by tenants first: one with many callers gets no more than one with a single caller', async () => {
  const queue = new FairQueue({ places: 2, waiting: 100 });
  const admitted: string[] = [];
  const leaves: (() => void)[] = [];
  const enter = async (tenant: string, id: string) => {
    const leave = await queue.enter({ tenant, id }, here);
    admitted.push(`${tenant}${id}`);
    leaves.push(leave);
  };
  const all = ['1', '2', '3', '4', '5', '6', '7'].map((id) => enter('a', id));
  all.push(enter('b', '1'), enter('b', '1'), enter('b', '2'));
  for (let turn = 0; turn < 8; turn++) {
    await settled();
    leaves.shift()?.();
  }
  await settled();
  assert.deepEqual(admitted, ['a1', 'a2', 'b1', 'a3', 'b2', 'a4', 'b1', 'a5', 'a6', 'a7']);
  for (const leave of leaves) leave();
  await Promise.all(all);
  assert.deepEqual(queue.counts, { running: 0, waiting: 0 });
  assert.equal(typeof queue.enter({ tenant: 'a', id: '1' }, here), 'function');
});

test('a tenant has its own limit, and where too many wait the tenant with the most makes room', async () => {
  const capped = new FairQueue({ places: 10, waiting: 10 });
  for (const id of ['1', '2', '3']) capped.enter({ tenant: 'a', id }, here, { tenant: 3 });
  assert.throws(() => capped.enter({ tenant: 'a', id: '4' }, here, { tenant: 3 }), {
    kind: 'caller_limit',
    limit: 'tenant.turns',
  });
  capped.enter({ tenant: 'b', id: '1' }, here, { tenant: 3 });
  const full = new FairQueue({ places: 1, waiting: 3 });
  full.enter({ tenant: 'a', id: '0' }, here);
  const waiting = ['1', '2', '3'].map((id) => Promise.resolve(full.enter({ tenant: 'a', id }, here)));
  assert.throws(() => full.enter({ tenant: 'a', id: '4' }, here), kind('overloaded'), 'each waits once');
  void Promise.resolve(full.enter({ tenant: 'b', id: '1' }, here));
  await assert.rejects(waiting[0] ?? assert.fail(), kind('overloaded'));
  assert.equal(full.countOf({ tenant: 'b', id: '1' }), 1);
  assert.equal(full.countOf({ tenant: 'b', id: '2' }), 0);
});

test('a count by tenant has limits for both, and tells callers of different tenants apart', () => {
  const counts = new PlaceCount('sockets', 2);
  const gone = [counts.hold({ tenant: 'a', id: '1' }), counts.hold({ tenant: 'a', id: '1' })];
  assert.throws(() => counts.check({ tenant: 'a', id: '1' }), { kind: 'caller_limit', limit: 'caller.sockets' });
  counts.check({ tenant: 'b', id: '1' });
  counts.check({ tenant: 'a', id: '2' });
  assert.throws(() => counts.check({ tenant: 'a', id: '2' }, { tenant: 2 }), {
    kind: 'caller_limit',
    limit: 'tenant.sockets',
  });
  for (const leave of gone) leave();
  counts.check({ tenant: 'a', id: '2' }, { tenant: 1 });
  assert.deepEqual(counts.countOf({ tenant: 'a', id: '1' }), { caller: 0, tenant: 0 });
});
