import { type Codec, SLICE } from './codec.ts';
import { type NodeStream, streamed } from './node-stream.ts';

/** As much of `node:zlib` as `br` takes. */
export interface NodeBrotli {
  createBrotliDecompress(options: { chunkSize: number }): NodeStream;
}

/** Bytes of output at a time: workerd's stack is as deep as there are pieces of what comes of one slice. */
const CHUNK = 256 * 1024;

/** `br`, by `node:zlib`, for workerd, where brotli-wasm would be most of what is loaded. Not for Deno, which takes a cut body for a whole. */
export function nodeBrotliCodec(zlib: NodeBrotli): Codec {
  return async function* (data, limit) {
    if (data.length === 0) throw new Error('nothing is there');
    const stream = zlib.createBrotliDecompress({ chunkSize: CHUNK });
    yield* streamed(stream, data, slicesOf(data), limit);
    if (stream.bytesWritten !== data.length) throw new Error('something stands behind the end');
  };
}

function* slicesOf({ length }: Uint8Array): Generator<number> {
  for (let at = SLICE; at < length; at += SLICE) yield at;
  yield length;
}
