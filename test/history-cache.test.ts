import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixedLimits, MemoryBudget } from '../handler/index.ts';
import type { Item } from '../handler/items/item.ts';
import { HistoryCache } from '../handler/state/history-cache.ts';

const MiB = 1024 * 1024;
const { parsed, histories, historyAge } = fixedLimits;

/** A cache whose limit is as many entries as `count` of a MiB of budget each. */
function cacheOf(count: number) {
  const budget = new MemoryBudget((count * MiB) / histories);
  const cache = new HistoryCache(budget);
  return { budget, cache, put: (id: string, previous = 'none') => cache.put('t', id, previous, chain) };
}

const items: readonly Item[] = [];
const chain = { items, size: MiB / parsed };

test('a history is found by its tenant and its last response, and the one it continues goes', () => {
  const { cache, put } = cacheOf(4);
  put('a');
  assert.equal(cache.get('t', 'a')?.items, items);
  assert.equal(cache.get('another', 'a'), undefined);
  put('b', 'a');
  assert.equal(cache.get('t', 'a'), undefined);
  assert.equal(cache.bytes, MiB);
  cache.delete('another', 'b');
  assert.ok(cache.get('t', 'b'));
  cache.delete('t', 'b');
  assert.equal(cache.bytes, 0);
});

test('above the limit the least recently used goes', () => {
  const { cache, put } = cacheOf(2);
  put('a');
  put('b');
  cache.get('t', 'a');
  put('c');
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => cache.get('t', id) !== undefined),
    [true, false, true],
  );
  cache.put('t', 'd', 'none', { items, size: 3 * chain.size });
  assert.equal(cache.get('t', 'd'), undefined, 'one that is larger than all room is not kept');
  assert.equal(cache.bytes, 2 * MiB, 'and takes nobody else away');
});

test('it takes only what nothing else needs, and refuses nobody', () => {
  const { budget, cache, put } = cacheOf(2);
  put('a');
  put('b');
  const request = budget.open();
  request.take(budget.limit - 1.5 * MiB);
  assert.equal(cache.bytes, MiB);
  request.take(1.5 * MiB);
  assert.equal(cache.bytes, 0);
  request.add(MiB);
  put('c');
  assert.equal(cache.bytes, 0, 'nor is anything kept while there is no room');
  request.close();
  assert.equal(budget.taken, 0);
});

test('what nobody continues goes in time', (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  const { cache, put } = cacheOf(4);
  put('a');
  put('b');
  now = historyAge / 2;
  cache.get('t', 'a');
  now = historyAge;
  put('c');
  assert.equal(cache.bytes, 2 * MiB);
  assert.equal(cache.get('t', 'b'), undefined);
  now = 2 * historyAge;
  cache.removeOld();
  assert.equal(cache.bytes, 0, 'without another turn as well');
});
