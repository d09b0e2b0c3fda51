import assert from 'node:assert/strict';
import { test } from 'node:test';
import '../promises/all.ts';
import { registered } from '../promises/promise.ts';

test('every skip of a door has its reason', () => {
  for (const { id, skips } of registered) {
    for (const [door, reason] of Object.entries(skips))
      assert.ok(reason.length > 10, `${id} skips ${door} without a reason`);
  }
});

test('every promise names its source', () => {
  for (const { id, says, source } of registered) assert.ok(says && source, id);
});
