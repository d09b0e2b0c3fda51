import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Item } from '../handler/items/item.ts';
import { MemoryBudget } from '../handler/memory-budget.ts';
import { Lanes } from '../handler/websocket/lanes.ts';
import { ResponseMemory } from '../handler/websocket/memory.ts';

const NOTHING = { items: [], previous: null };

function said(text: string): Item[] {
  return [{ type: 'message', id: 'msg', role: 'user', status: 'completed', content: [{ type: 'input_text', text }] }];
}

/** What is remembered of a response. */
const recalled = (memory: ResponseMemory, id: string) => memory.recall({ previous_response_id: id });

test('what is remembered is bounded by its size, what was said before included; the oldest goes first', () => {
  const memory = new ResponseMemory({ body: 1_000, items: 10 }, new MemoryBudget(1_000_000).open());
  memory.keep('a', NOTHING, said('x'.repeat(300)));
  memory.keep('b', NOTHING, said('y'.repeat(300)));
  assert.ok(recalled(memory, 'a'), 'it is among the last again');
  memory.keep('c', NOTHING, said('z'.repeat(300)));
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => recalled(memory, id) !== undefined),
    [true, false, true],
  );
  const before = recalled(memory, 'c');
  assert.ok(before);
  memory.keep('d', before, said('x'.repeat(200)));
  assert.deepEqual(
    ['a', 'c', 'd'].map((id) => recalled(memory, id)?.items.length),
    [undefined, undefined, 2],
  );
  memory.keep('e', NOTHING, said('x'.repeat(2_000)));
  assert.equal(recalled(memory, 'e'), undefined, 'more than there is room for');
  assert.ok(recalled(memory, 'd'));
});

test('so is its number of items, which may become the input of a response that is stored', () => {
  const memory = new ResponseMemory({ body: 1_000_000, items: 10 }, new MemoryBudget(10_000_000).open());
  memory.keep('a', NOTHING, Array.from({ length: 10 }, () => said('x')).flat());
  const before = recalled(memory, 'a');
  assert.equal(before?.items.length, 10);
  if (before) memory.keep('b', before, said('x'));
  assert.equal(recalled(memory, 'b'), undefined);
});

test('what goes on from a stored response is counted with it', () => {
  const memory = new ResponseMemory({ body: 1_000, items: 10 }, new MemoryBudget(1_000_000).open());
  memory.keep('a', { items: said('x'.repeat(900)), previous: 'resp_stored' }, said('x'.repeat(50)));
  assert.equal(recalled(memory, 'a'), undefined);
});

test('what is forgotten gives its memory back', () => {
  const budget = new MemoryBudget(1_000_000);
  const memory = new ResponseMemory({ body: 1_000, items: 10 }, budget.open());
  const free = budget.free;
  memory.keep('a', NOTHING, said('x'));
  assert.ok(budget.free < free);
  for (const id of ['nobody', 'a', 'a']) memory.forget(id);
  assert.deepEqual([recalled(memory, 'a'), budget.free], [undefined, free]);
});

test('a conversation is none of what is remembered', () => {
  const memory = new ResponseMemory({ body: 1_000, items: 10 }, new MemoryBudget(1_000_000).open());
  memory.keep('a', NOTHING, said('x'));
  assert.equal(memory.recall({ previous_response_id: 'a', conversation: 'conv_1' }), undefined);
});

test('what waits is bounded by its size, and one of any size may wait alone', async () => {
  const release = Promise.withResolvers<void>();
  const done: string[] = [];
  const lanes = new Lanes(100, () => done.push('rests'));
  const work = (name: string) => async () => {
    await release.promise;
    done.push(name);
  };
  assert.ok(lanes.add('', 500, work('runs')));
  assert.ok(lanes.add('', 500, work('waits')));
  assert.ok(!lanes.add('', 1, work('refused')));
  assert.ok(!lanes.idle);
  release.resolve();
  await lanes.ended();
  assert.deepEqual(done, ['runs', 'waits', 'rests']);
  assert.ok(lanes.idle);
});
