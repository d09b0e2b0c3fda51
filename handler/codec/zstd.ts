import { CHUNK, type Codec, type Piece } from './codec.ts';
import { type Frame, frames } from './zstd-frames.ts';

/** As much of `node:zlib` as is used: Node has it, and so have workerd, Deno and Bun. */
export interface NodeZlib {
  zstdDecompressSync(frame: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
  createZstdDecompress(options: { chunkSize: number }): Decoder;
}

/** As much of its streams as is used. */
interface Decoder {
  write(data: Uint8Array, done: () => void): unknown;
  read(): Uint8Array | null;
  on(event: 'readable', heard: () => void): unknown;
  on(event: 'error', heard: (error: Error) => void): unknown;
  destroy(): unknown;
}

/** Bytes of output up to which a frame is decoded in one go: it takes a stream as long to begin. */
const AT_ONCE = 256 * 1024;

/** `zstd`, by `node:zlib`: any number of frames, without dictionaries. */
export function zstdCodec(zlib: NodeZlib): Codec {
  return async function* (data, limit) {
    for (const frame of frames(data, limit)) {
      const { bytes, most } = frame;
      if (most > AT_ONCE) yield* streamed(zlib.createZstdDecompress({ chunkSize: CHUNK }), frame);
      else {
        // The least that may be asked for is one byte.
        const plain = zlib.zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, most) });
        yield { read: bytes.length, plain };
      }
    }
  };
}

/**
 * Has a decoder read a frame in slices of a few blocks: workerd's makes all that comes of a slice before it returns. It is not
 * told of an end: the frame is whole, and so is what came of it.
 */
async function* streamed(decoder: Decoder, { bytes, cuts }: Frame): AsyncGenerator<Piece> {
  let wake = () => {};
  let failure: Error | undefined;
  decoder.on('readable', () => wake());
  decoder.on('error', (error) => {
    failure = error;
    wake();
  });
  try {
    let at = 0;
    for (const cut of cuts) {
      let done = false;
      decoder.write(bytes.subarray(at, cut), () => {
        done = true;
        wake();
      });
      for (;;) {
        const plain = decoder.read();
        if (failure) throw failure;
        if (plain) yield { read: 0, plain };
        else if (done) break;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
      yield { read: cut - at };
      at = cut;
    }
  } finally {
    decoder.destroy();
  }
}
