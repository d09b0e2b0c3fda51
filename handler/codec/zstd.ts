import { CHUNK, type Codec } from './codec.ts';
import { type NodeStream, streamed } from './node-stream.ts';
import { frames } from './zstd-frames.ts';

/** As much of `node:zlib` as `zstd` takes: Node has it, and so have workerd, Deno and Bun. */
export interface NodeZstd {
  zstdDecompressSync(frame: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
  createZstdDecompress(options: { chunkSize: number }): NodeStream;
}

/** Bytes of output up to which a frame is decoded in one go: it takes a stream as long to begin. */
const MAX_SYNC_OUTPUT = 256 * 1024;

/** `zstd`, by `node:zlib`: any number of frames, without dictionaries. Undefined where that has none, as before Node 22.15. */
export function zstdCodec(zlib: Partial<NodeZstd>): Codec | undefined {
  if (!hasZstd(zlib)) return undefined;
  return async function* (data, limit) {
    for (const { bytes, most, cuts } of frames(data, limit)) {
      if (most > MAX_SYNC_OUTPUT) yield* streamed(zlib.createZstdDecompress({ chunkSize: CHUNK }), bytes, cuts, limit);
      else {
        // The least that may be asked for is one byte.
        const plain = zlib.zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, most) });
        yield { read: bytes.length, plain };
      }
    }
  };
}

function hasZstd(zlib: Partial<NodeZstd>): zlib is NodeZstd {
  return zlib.zstdDecompressSync !== undefined && zlib.createZstdDecompress !== undefined;
}
