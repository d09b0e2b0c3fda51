import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { zstdCodec } from '../../handler/codec/zstd.ts';
import { decompress } from '../../handler/decompress.ts';
import { ApiError } from '../../handler/errors.ts';
import { codecs } from '../../shim/codecs.ts';

// Deno and Bun run this file as well: their decoders differ.

const MiB = 1024 * 1024;
const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const encoders: [encoding: string, encode: (plain: Uint8Array, level?: number) => Uint8Array][] = [
  ['gzip', (plain, level = 1) => gzipSync(plain, { level })],
  ['deflate', (plain, level = 1) => deflateSync(plain, { level })],
  ['deflate', (plain, level = 1) => deflateRawSync(plain, { level })],
  ['br', (plain) => brotliCompressSync(plain, quick)],
  ['zstd', (plain) => zstdCompressSync(plain)],
];

/** Digits, which compress to two fifths. */
function digits(size: number): Uint8Array {
  let state = 1;
  return new Uint8Array(size).map(() => {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    return 0x30 + ((state >>> 16) % 10);
  });
}

/** The kind of the ApiError that this rejects with. */
async function kindOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => assert.fail('it was taken'),
    (error) => error,
  );
  assert.ok(error instanceof ApiError, String(error));
  return error.kind;
}

for (const [encoding, encode] of encoders) {
  const name = encode === encoders[2]?.[1] ? 'raw deflate' : encoding;
  const read = (body: Uint8Array, limit = 64 * MiB) => decompress(body, encoding, limit, codecs);

  test(`${name}: timers fire between slices`, async () => {
    const plain = digits(8 * MiB);
    const body = encode(plain);
    let [turns, over] = [0, false];
    const turn = () => {
      turns++;
      if (!over) setTimeout(turn, 0);
    };
    setTimeout(turn, 0);
    const whole = await read(body);
    over = true;
    assert.ok(Buffer.from(whole).equals(plain));
    assert.ok(turns >= 4, `${turns} turns`);
  });

  test(`${name}: the limit is met to the byte`, async () => {
    const body = encode(digits(300_000));
    assert.equal((await read(body, 300_000)).length, 300_000);
    assert.equal(await kindOf(read(body, 299_999)), 'too_large');
  });

  test(`${name}: what grows too much is stopped, however large it would become`, async () => {
    const bomb = encode(new Uint8Array(60 * MiB), 9);
    assert.equal(await kindOf(read(bomb)), 'too_large');
    assert.equal((await read(encode(new Uint8Array(MiB)))).length, MiB);
  });

  test(`${name}: what is cut, and what has something behind its end, is corrupt`, async () => {
    const body = encode(digits(2_000));
    for (let size = 0; size < body.length; size += 7) {
      assert.equal(await kindOf(read(body.subarray(0, size))), 'corrupt_body', `${size}`);
    }
    for (const more of ['x', '\0', 'x'.repeat(100_000)]) {
      assert.equal(await kindOf(read(Buffer.concat([body, Buffer.from(more)]))), 'corrupt_body');
    }
  });

  test(`${name}: a body of any size comes out as it was`, async () => {
    for (const size of [1, 2_047, 65_535, 65_536, 65_537, 262_144, 262_145, 3 * MiB]) {
      const plain = digits(size);
      assert.ok(Buffer.from(await read(encode(plain))).equals(plain), `${size}`);
    }
  });
}

test('gzip: members end wherever they end', async () => {
  for (const size of [1_000, 2_030, 2_040, 2_048, 4_096, 10_000]) {
    const parts = [digits(size), new Uint8Array(0), digits(70_000), digits(3)];
    const body = Buffer.concat(parts.map((part) => gzipSync(part)));
    assert.ok(Buffer.from(await decompress(body, 'gzip', MiB, codecs)).equals(Buffer.concat(parts)));
  }
});

test('an encoder that flushes after every few bytes is understood', async () => {
  const words = 20_000;
  // Stored blocks of one byte each, as the least that a flush leaves; and raw blocks of zstd.
  const stored = Buffer.alloc(words * 6, Buffer.from([0, 1, 0, 254, 255, 0x20]));
  const body = Buffer.concat([stored, Buffer.from([1, 0, 0, 255, 255])]);
  assert.equal((await decompress(body, 'deflate', MiB, codecs)).length, words);
});

test('without a codec there is no encoding, and nothing says that there is', async () => {
  for (const [known, named] of [
    [{ gzip: codecs.gzip }, 'gzip'],
    [{ gzip: codecs.gzip, zstd: zstdCodec({}) }, 'gzip'], // a runtime whose node:zlib has none
    [{}, 'identity'],
  ] as const) {
    const error = await decompress(zstdCompressSync('{}'), 'zstd', MiB, known).catch((error) => error);
    assert.equal(error.kind, 'unsupported_media');
    assert.equal(error.headers['accept-encoding'], named);
    assert.doesNotMatch(error.message, /zstd/);
  }
});
