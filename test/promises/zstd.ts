import assert from 'node:assert/strict';
import { constants, zstdCompressSync } from 'node:zlib';
import { type Door, post } from '../support/doors/door.ts';
import { says } from '../support/model/scripted.ts';
import { block, frame, hostile, skippable } from '../support/zstd-made.ts';
import { callOf, create, refuses } from './ask.ts';
import { NEEDS_HEADERS, promise } from './promise.ts';

const MiB = 1024 * 1024;
/** A request without its input: the error for that shows that the body was decoded. */
const request = Buffer.from('{"model":"demo"}');
const understood = { status: 422, code: 422, param: 'input' };
const corrupt = { status: 400, code: 400, message: /content-encoding/ };
const tooLarge = { status: 413, code: 'request_too_large' };

/** Sends a body in an encoding. */
function encoded(door: Door, body: Uint8Array, encoding = 'zstd'): Promise<Response> {
  return post(door, body, { headers: { 'content-encoding': encoding } });
}

/** Holds a request in an encoding to reach the model. */
async function reaches(door: Door, encode: (plain: Buffer) => Uint8Array, encoding?: string): Promise<void> {
  const model = door.model.script(says('ok'));
  const input = Array.from({ length: 1_000 }, (_, n) => `Grüße ${n * n}!`).join(' ');
  const reply = await encoded(door, encode(Buffer.from(JSON.stringify({ model, input }))), encoding);
  assert.equal(reply.status, 200, await reply.text());
  const { body, headers } = callOf(door, model);
  assert.equal(body.messages[0].content, input);
  assert.equal(headers['content-encoding'], undefined);
}

promise(
  'body.zstd',
  { says: 'a zstd body is decompressed, however it was compressed', source: 'docs/limits.md' },
  async (door) => {
    for (const level of [-3, 3, 15]) {
      const params = { [constants.ZSTD_c_compressionLevel]: level };
      await reaches(door, (plain) => zstdCompressSync(plain, { params }));
    }
    // As a stream is compressed, whose size is not known in advance, and as the command does, with a checksum.
    const params = { [constants.ZSTD_c_contentSizeFlag]: 0, [constants.ZSTD_c_checksumFlag]: 1 };
    await reaches(door, (plain) => zstdCompressSync(plain, { params }));
    await reaches(door, zstdCompressSync, 'ZSTD');
  },
  NEEDS_HEADERS,
);

promise(
  'body.zstd-frames',
  { says: 'a zstd body may have many frames, some of them to be skipped', source: 'RFC 8878' },
  async (door) => {
    await reaches(door, (plain) =>
      Buffer.concat([
        skippable(100),
        zstdCompressSync(plain.subarray(0, 7)),
        zstdCompressSync(''),
        skippable(0),
        frame({ window: 0x50 }, block('raw', plain.subarray(7, 900)), block('raw', plain.subarray(900), true)),
        skippable(9),
      ]),
    );
    await reaches(door, (plain) =>
      Buffer.concat([frame({}, block('rle', Buffer.alloc(500, ' '), true)), frame({}, block('raw', plain, true))]),
    );
  },
  NEEDS_HEADERS,
);

promise(
  'body.zstd-corrupt',
  { says: 'corrupt, truncated or missing zstd data is 400', source: 'docs/limits.md' },
  async (door) => {
    const plain = Buffer.from(JSON.stringify({ model: 'demo', input: 'Hello. '.repeat(500) }));
    const whole = zstdCompressSync(plain);
    const garbled = Buffer.from(whole).fill(0xff, 8, 24);
    const cut = [1, 4, 5, 6, 9, 12, whole.length - 6, whole.length - 1].map((size) => whole.subarray(0, size));
    for (const body of [plain, garbled, Buffer.alloc(0), ...cut, Buffer.concat([whole, Buffer.from('x')])]) {
      await refuses(await encoded(door, body), corrupt);
    }
    await refuses(await encoded(door, skippable(5)), { status: 400, code: 400, message: /empty/ });
  },
  NEEDS_HEADERS,
);

promise(
  'body.zstd-dictionary',
  { says: 'zstd data that needs a dictionary is 400', source: 'docs/limits.md' },
  async (door) => {
    for (const dictionary of [1, 0xffff, 0xffffffff]) {
      await refuses(await encoded(door, frame({ dictionary }, block('raw', request, true))), corrupt);
    }
    await refuses(await encoded(door, frame({ dictionary: 0 }, block('raw', request, true))), understood);
  },
  NEEDS_HEADERS,
);

promise(
  'body.zstd-bomb',
  { says: 'a zstd bomb is refused at the inflated limit', source: 'docs/limits.md' },
  async (door) => {
    const bomb = Buffer.alloc(8 * MiB + 1, ' ');
    const unsaid = { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } };
    await refuses(await encoded(door, zstdCompressSync(bomb)), tooLarge);
    await refuses(await encoded(door, zstdCompressSync(bomb, unsaid)), tooLarge);
    const half = zstdCompressSync(bomb.subarray(0, 5 * MiB), unsaid);
    await refuses(await encoded(door, Buffer.concat([half, half])), tooLarge);
  },
  NEEDS_HEADERS,
);

promise(
  'body.zstd-lies',
  {
    says: 'a zstd header that declares too much is refused at once, one that declares something else is 400',
    source: 'docs/limits.md',
  },
  async (door) => {
    const text = block('raw', request, true);
    for (const content of [2 ** 30, 2 ** 32 - 1, 2 ** 40]) {
      await refuses(await encoded(door, frame({ content }, text)), tooLarge);
    }
    for (const content of [0, request.length - 1, request.length + 1, 8 * MiB])
      await refuses(await encoded(door, frame({ content }, text)), corrupt);
    // A window of 1 GiB, in ten bytes: it is believed, and costs nothing.
    await refuses(await encoded(door, frame({ window: 0xa0 }, text)), understood);
  },
  NEEDS_HEADERS,
);

promise(
  'body.zstd-hostile',
  { says: 'zstd data that is made to take long is refused at once', source: 'docs/limits.md' },
  async (door) => {
    for (const [name, { body, status }] of Object.entries(hostile)) {
      const reply = await encoded(door, body());
      assert.equal(reply.status, status, name);
      await refuses(reply, status === 400 ? corrupt : tooLarge);
    }
    await create(door, { model: door.model.script(says('still here')) });
  },
  NEEDS_HEADERS,
);
