import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteList } from '../handler/byte-list.ts';

/** A body in parts of these sizes, and what is held of it. */
function held(sizes: readonly number[]): { body: Buffer; parts: Uint8Array[] } {
  const chunks = new ByteList();
  const all = sizes.map((size, index) => Buffer.alloc(size, index + 1));
  for (const part of all) chunks.add(part);
  return { body: Buffer.concat(all), parts: chunks.end() };
}

test('a body is held in order, whatever it comes in', () => {
  const few = [5, 0, 1, 2_000];
  const mixed = Array.from({ length: 300 }, (_, index) => (index * 7_919) % 2_311);
  for (const sizes of [[], [0], few, mixed, Array(40).fill(1_023), [...Array(40).fill(1), 70_000, 1, 1]]) {
    const { body, parts } = held(sizes);
    assert.deepEqual(Buffer.concat(parts), body);
  }
  assert.equal(held(few).parts.length, 3, 'and not copied while it is few chunks');
});

test('a body that comes byte by byte is held in few and full pieces', () => {
  const { parts } = held(Array(200_000).fill(1));
  assert.ok(parts.length < 50, `${parts.length} pieces`);
  for (const part of parts)
    assert.equal(part.buffer.byteLength >= 1_000 && part.length < part.buffer.byteLength, false);
});
