import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type Attack, alike } from './attack.ts';

const MiB = 1024 * 1024;
const BOTH = ['http', 'envoy'] as const;

/** Malformed or too large; or there is no room for it beside the others. */
const REFUSED = [400, 413, 503];

/** A body that takes little room on the way and much here, sent by several at once. */
function packed(name: string, encoding: string, body: Uint8Array, answers: Attack['answers']): Attack {
  const headers = { 'content-encoding': encoding };
  return { name, doors: BOTH, times: 24, atOnce: 6, send: alike({ headers, body }), answers, grows: 600 };
}

const brotli = (text: string) =>
  brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_QUALITY]: 9 } });

/** A request with 64 MiB, less a little, of something in the middle. */
function stuffed(before: string, piece: string, after: string): Buffer {
  const room = 63 * MiB - before.length - after.length;
  return brotli(before + piece.repeat(Math.floor(room / piece.length)).slice(0, -1) + after);
}

/** Blocks that hold nothing, under a deflate stream's header. */
const emptyDeflate = Buffer.concat([
  Buffer.from([0x78, 0x9c]),
  Buffer.alloc(20 * MiB, Buffer.from([0, 0, 0, 255, 255])),
]);
const emptyGzip = Buffer.alloc(20 * MiB, gzipSync(''));
const emptyBrotli = Buffer.concat([Buffer.from([0x0b]), Buffer.alloc(20 * MiB, 6)]);
const emptyZstd = Buffer.alloc(20 * MiB, zstdCompressSync(''));
const zeros = Buffer.alloc(512 * MiB);

/** Bodies that cost far more than they weigh. */
export const bodies: Attack[] = [
  packed(
    'two encodings, of which the inner is millions of empty blocks',
    'deflate, br',
    brotliCompressSync(emptyDeflate),
    [415],
  ),
  packed('empty blocks of deflate', 'deflate', emptyDeflate, REFUSED),
  packed('empty members of gzip', 'gzip', emptyGzip, REFUSED),
  packed('empty blocks of brotli', 'br', emptyBrotli, REFUSED),
  packed('empty frames of zstd', 'zstd', emptyZstd, REFUSED),
  packed('512 MiB of zeros in gzip', 'gzip', gzipSync(zeros), REFUSED),
  packed('512 MiB of zeros in deflate', 'deflate', deflateSync(zeros), REFUSED),
  packed('512 MiB of zeros in brotli', 'br', brotliCompressSync(zeros), REFUSED),
  packed('512 MiB of zeros in zstd', 'zstd', zstdCompressSync(zeros), REFUSED),
  packed(
    'millions of empty lists in an unknown member',
    'br',
    stuffed('{"model":"m","input":"Hi","x":[', '[],', ']}'),
    REFUSED,
  ),
  packed(
    'millions of empty lists in a tool',
    'br',
    stuffed('{"model":"m","input":"Hi","tools":[{"type":"function","name":"f","parameters":{"x":[', '[],', ']}}]}'),
    REFUSED,
  ),
  packed('millions of members', 'br', stuffed('{"model":"m","input":"Hi","metadata":{', '"k":1,', '}}'), REFUSED),
  packed('lists in lists, as deep as a body is long', 'br', brotli('['.repeat(63 * MiB)), REFUSED),
  packed(
    'a small body that is deep',
    'identity',
    Buffer.from(`{"model":"m","input":"Hi","x":${'['.repeat(30_000)}${']'.repeat(30_000)}}`),
    [400, 404],
  ),
];
