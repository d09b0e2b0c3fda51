import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { decompress } from '../../handler/decompress.ts';
import { ApiError } from '../../handler/errors.ts';
import { codecs } from '../../shim/codecs.ts';
import { block, frame, hostile, skippable } from '../support/zstd-made.ts';

const MiB = 1024 * 1024;

/** Decodes, or gives the kind of the ApiError; anything else that is thrown fails the test. */
async function decoded(data: Uint8Array, limit = 8 * MiB): Promise<Buffer | string> {
  try {
    return Buffer.from(await decompress(data, 'zstd', limit, codecs));
  } catch (error) {
    if (error instanceof ApiError) return error.kind;
    throw error;
  }
}

/** What Node makes of it, or undefined. */
function native(data: Uint8Array): Buffer | undefined {
  try {
    return zstdDecompressSync(data, { maxOutputLength: 8 * MiB });
  } catch {
    return undefined;
  }
}

const compress = (plain: Uint8Array | string, params: Record<number, number> = {}) =>
  zstdCompressSync(plain, { params });

const texts = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }),
  fc.array(fc.constantFrom('the ', 'quick ', '{"role":"user"},', 'é😀', '\n', 'x'.repeat(40)), { maxLength: 20_000 }),
  fc.tuple(fc.nat(255), fc.nat(300_000)).map(([byte, size]) => new Uint8Array(size).fill(byte)),
  fc
    .tuple(fc.nat(), fc.nat(300_000))
    .map(([seed, size]) =>
      Uint8Array.from({ length: size }, (_, n) => 97 + ((Math.imul(seed + n, 2_654_435_761) >>> 28) % 7)),
    ),
);
const plain = texts.map((text) => Buffer.from(Array.isArray(text) ? text.join('') : text));

const settings = fc
  .record({
    level: fc.integer({ min: -5, max: 15 }),
    strategy: fc.integer({ min: 0, max: 9 }),
    minMatch: fc.integer({ min: 3, max: 7 }),
    windowLog: fc.integer({ min: 10, max: 24 }),
    contentSize: fc.nat(1),
    checksum: fc.nat(1),
  })
  .map(({ level, strategy, minMatch, windowLog, contentSize, checksum }) => ({
    [constants.ZSTD_c_compressionLevel]: level,
    ...(strategy > 0 && { [constants.ZSTD_c_strategy]: strategy, [constants.ZSTD_c_minMatch]: minMatch }),
    [constants.ZSTD_c_windowLog]: windowLog,
    [constants.ZSTD_c_contentSizeFlag]: contentSize,
    [constants.ZSTD_c_checksumFlag]: checksum,
  }));

test('whatever Node compresses, in whichever way, is decoded', async () => {
  const pieces = fc.array(fc.tuple(plain, settings), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(pieces, async (list) => {
      const data = Buffer.concat(list.flatMap(([text, params]) => [compress(text, params), skippable(3)]));
      assert.deepEqual(await await decoded(data), Buffer.concat(list.map(([text]) => text)));
    }),
    { numRuns: 100 },
  );
});

test('what is cut at any byte is corrupt', async () => {
  const text = Buffer.from(JSON.stringify({ input: Array.from({ length: 60 }, (_, n) => `word ${n * n}`) }));
  const split = { [constants.ZSTD_c_contentSizeFlag]: 0, [constants.ZSTD_c_checksumFlag]: 1 };
  const whole = [compress(text), compress(text, split), compress('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'), skippable(20)];
  whole.push(
    frame({ content: 6, dictionary: 0 }, block('raw', Buffer.from('abc')), block('rle', Buffer.from('ddd'), true)),
  );
  for (const data of whole) {
    assert.notEqual(typeof (await decoded(data)), 'string');
    for (let size = 0; size < data.length; size++)
      assert.equal(await decoded(data.subarray(0, size)), 'corrupt_body', `${size}`);
  }
});

test('a flipped bit anywhere is refused, or read as Node reads it', async () => {
  const text = Buffer.from(JSON.stringify({ input: Array.from({ length: 80 }, (_, n) => `wörd ${n * n * 7}`) }));
  for (const data of [compress(text), compress(text, { [constants.ZSTD_c_compressionLevel]: 15 })]) {
    for (let bit = 0; bit < 8 * data.length; bit++) {
      const flipped = Buffer.from(data);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const [ours, theirs] = [await decoded(flipped), native(flipped)];
      if (typeof ours !== 'string' && theirs) assert.deepEqual(ours, theirs, `bit ${bit}`);
    }
  }
});

const unsaid = { [constants.ZSTD_c_contentSizeFlag]: 0 };

test('the limit is met to the byte, over all frames', async () => {
  for (const params of [{}, unsaid]) {
    const data = Buffer.concat([compress(Buffer.alloc(200_000), params), compress(Buffer.alloc(1_000), params)]);
    assert.equal((await decoded(data, 201_000)).length, 201_000);
    assert.equal(await decoded(data, 200_999), 'too_large');
  }
});

test('what is made to take long is refused', async () => {
  for (const [name, { body, status }] of Object.entries(hostile)) {
    assert.equal(await decoded(body()), status === 400 ? 'corrupt_body' : 'too_large', name);
  }
});

test('a frame costs what it holds, whatever window it asks for', async () => {
  const text = Buffer.from('{"model":"demo"}');
  const windows = [0x38, 0x50, 0x80, 0xa0, 0xff];
  for (const window of windows) assert.deepEqual(await decoded(frame({ window }, block('raw', text, true))), text);
  // Further back than 128 MiB a decoder would not look, and 300 KB are looked through to their beginning all the same.
  const long = Buffer.from(Array.from({ length: 40_000 }, (_, n) => `${n} `).join(''));
  const data = compress(Buffer.concat([long, long]), { ...unsaid, [constants.ZSTD_c_windowLog]: 27 });
  data[5] = 0xff;
  assert.deepEqual(await decoded(data), Buffer.concat([long, long]));
});

test('a client that flushes after every few words is understood', async () => {
  const words = Array.from({ length: 1_000 }, (_, n) => Buffer.from(`word ${n} `));
  const blocks = words.map((word, n) => block('raw', word, n === words.length - 1));
  assert.deepEqual(await decoded(frame({}, ...blocks), 64 * MiB), Buffer.concat(words));
});
