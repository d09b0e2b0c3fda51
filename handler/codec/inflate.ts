import { Inflate } from 'pako';
import { CHUNK_BYTES, type Codec, type Piece } from './codec.ts';

/** Input bytes per step. Few, since deflate may return a thousand times as many at once. */
const SLICE_BYTES = 2 * 1024;

/** `gzip`, of any number of members. */
export const gzipCodec: Codec = function* (data) {
  for (let at = 0; at === 0 || at < data.length; ) at = yield* inflateFrom(data, at, false);
};

/** `deflate`, which means zlib's format; some clients send raw deflate, which its first two bytes tell. */
export const deflateCodec: Codec = function* (data) {
  const [first = 0, second = 0] = data;
  const hasHeader = (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
  const end = yield* inflateFrom(data, 0, !hasHeader);
  if (end < data.length) throw new Error('something stands behind the end');
};

/** Inflates from `at`; returns where the stream ended. */
function* inflateFrom(data: Uint8Array, at: number, raw: boolean): Generator<Piece, number> {
  const inflator = new Inflate({ raw, chunkSize: CHUNK_BYTES });
  let chunks: Uint8Array[] = [];
  let unread = () => 0;
  inflator.onStart = (stream) => {
    unread = () => stream.avail_in;
  };
  inflator.onData = (chunk) => chunks.push(chunk);
  while (!inflator.ended) {
    if (at >= data.length) throw new Error('it is cut');
    const slice = data.subarray(at, at + SLICE_BYTES);
    inflator.push(slice);
    if (inflator.err !== 0) throw new Error(inflator.msg);
    const read = slice.length - unread();
    at += read;
    yield { read };
    for (const plain of chunks) yield { read: 0, plain };
    chunks = [];
  }
  return at;
}
