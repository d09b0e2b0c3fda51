import { CHUNK_BYTES, type Codec, SLICE_BYTES } from './codec.ts';

/** As much of brotli-wasm as is used. It is injected, since its WASM is loaded in one way on Node and in another on Workers. */
export interface Brotli {
  DecompressStream: new () => {
    decompress(input: Uint8Array, room: number): { code: number; buf: Uint8Array; input_offset: number; free(): void };
    free(): void;
  };
}

/** Result codes of the decoder: done, needs input, or (3) needs room for output. */
const DONE = 1;
const WANTS_INPUT = 2;

/** `br`, by brotli-wasm. */
export function brotliCodec({ DecompressStream }: Brotli): Codec {
  return function* (data) {
    const stream = new DecompressStream();
    try {
      for (let at = 0, code = WANTS_INPUT; code !== DONE; ) {
        if (code === WANTS_INPUT && at >= data.length) throw new Error('it is cut');
        const result = stream.decompress(data.subarray(at, at + SLICE_BYTES), CHUNK_BYTES);
        const { input_offset: read, buf: plain } = result;
        code = result.code;
        result.free();
        at += read;
        yield { read, plain };
        if (code === DONE && at < data.length) throw new Error('something stands behind the end');
      }
    } finally {
      stream.free();
    }
  };
}
