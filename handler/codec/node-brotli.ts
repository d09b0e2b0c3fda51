import { type Codec, SLICE_BYTES } from './codec.ts';
import { type NodeStream, readStream } from './node-stream.ts';

/** As much of `node:zlib` as `br` takes. */
export interface NodeBrotli {
  createBrotliDecompress(options: { chunkSize: number }): NodeStream;
}

/** Output bytes per chunk. Large, since workerd's stack grows with the chunks of one slice. */
const CHUNK_BYTES = 256 * 1024;

/**
 * `br` by `node:zlib`, for workerd, where brotli-wasm would be most of the bundle. Not for Deno, which accepts a
 * truncated body.
 */
export function nodeBrotliCodec(zlib: NodeBrotli): Codec {
  return async function* (data, limit) {
    if (data.length === 0) throw new Error('nothing is there');
    const stream = zlib.createBrotliDecompress({ chunkSize: CHUNK_BYTES });
    yield* readStream(stream, data, slicesOf(data), limit);
    if (stream.bytesWritten !== data.length) throw new Error('something stands behind the end');
  };
}

function* slicesOf({ length }: Uint8Array): Generator<number> {
  for (let at = SLICE_BYTES; at < length; at += SLICE_BYTES) yield at;
  yield length;
}
