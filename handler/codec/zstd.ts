import { CHUNK_BYTES, type Codec } from './codec.ts';
import { type NodeStream, readStream } from './node-stream.ts';
import { frames } from './zstd-frames.ts';

/** As much of `node:zlib` as `zstd` takes: Node has it, and so have workerd, Deno and Bun. */
export interface NodeZstd {
  zstdDecompressSync(frame: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
  createZstdDecompress(options: { chunkSize: number }): NodeStream;
}

/** Bytes of output up to which a frame is decoded in one go: it takes a stream as long to begin. */
const MAX_SYNC_BYTES = 256 * 1024;

/** `zstd`, by `node:zlib`: any number of frames, without dictionaries. Undefined where that has none, as before Node 22.15. */
export function zstdCodec(zlib: Partial<NodeZstd>): Codec | undefined {
  if (!hasZstd(zlib)) return undefined;
  return async function* (data, limit) {
    for (const { bytes, maxSize, cuts } of frames(data, limit)) {
      if (maxSize > MAX_SYNC_BYTES)
        yield* readStream(zlib.createZstdDecompress({ chunkSize: CHUNK_BYTES }), bytes, cuts, limit);
      else {
        // The least that may be asked for is one byte.
        const plain = zlib.zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, maxSize) });
        yield { read: bytes.length, plain };
      }
    }
  };
}

function hasZstd(zlib: Partial<NodeZstd>): zlib is NodeZstd {
  return zlib.zstdDecompressSync !== undefined && zlib.createZstdDecompress !== undefined;
}
