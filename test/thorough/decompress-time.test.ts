import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Codec } from '../../handler/codec/codec.ts';
import { decompress } from '../../handler/decompress.ts';
import { fixedLimits } from '../../handler/limits.ts';

const MiB = 1024 * 1024;
const SLICES = 4;

/** A codec whose every slice takes so many milliseconds of the thread. */
function sleepy(ms: number): Codec {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  return function* () {
    for (let n = 0; n < SLICES; n++) {
      Atomics.wait(clock, 0, 0, ms);
      yield { read: MiB, plain: new Uint8Array(MiB) };
    }
  };
}

test('a body that takes too long to decompress is refused, however much is left of it', async () => {
  const read = (ms: number) => decompress(new Uint8Array(MiB), 'sleepy', 64 * MiB, { sleepy: sleepy(ms) });
  assert.equal((await read(50)).length, SLICES * MiB);
  await assert.rejects(read(fixedLimits.inflating / (SLICES - 1)), { kind: 'too_large', message: /within 5 s/ });
});

test('the time for which a codec waits, while other requests have their turn, is not its own', async () => {
  const waiting: Codec = async function* () {
    for (let n = 0; n < SLICES; n++) {
      await new Promise((resolve) => setTimeout(resolve, fixedLimits.inflating / (SLICES - 1)));
      yield { read: MiB, plain: new Uint8Array(MiB) };
    }
  };
  const plain = await decompress(new Uint8Array(MiB), 'waiting', 64 * MiB, { waiting });
  assert.equal(plain.length, SLICES * MiB);
});
