import { Inflate } from 'pako';
import { ApiError, corruptBody, inflatedTooLarge } from './errors.ts';
import { unzstd } from './zstd/zstd.ts';

/**
 * Brotli's streaming decoder, as brotli-wasm has it. Injected, since its WASM is loaded in one way on Node and in
 * another on Workers. Codes: 1 is the end, 2 wants input, 3 wants room for output; corrupt data throws.
 */
export interface Brotli {
  DecompressStream: new () => {
    decompress(input: Uint8Array, room: number): { code: number; buf: Uint8Array; input_offset: number; free(): void };
    free(): void;
  };
}

/** Input is fed in slices and the output counted, so that a bomb is stopped within one slice's worth of output. */
const SLICE = 16 * 1024;
const ROOM = 256 * 1024;

/** Encodings that one body may be wrapped in; more than two is nobody's honest doing. */
const MAX_LAYERS = 2;

/**
 * A body freed of its `content-encoding` (gzip, deflate, br, zstd, identity; several in the order they were applied). Throws
 * an ApiError: 415 for an encoding that is not known, 400 for corrupt or truncated data, 413 above `limit` bytes.
 */
export function decompress(body: Uint8Array, encoding: string, limit: number, brotli: Brotli | undefined): Uint8Array {
  const layers = encoding
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  const real = layers.filter((name) => name !== '' && name !== 'identity');
  if (real.length > MAX_LAYERS) throw unknownEncoding();
  return real.reduceRight((data, name) => {
    if (name === 'gzip' || name === 'x-gzip') return inflate(data, limit, false);
    if (name === 'deflate') return inflate(data, limit, !hasZlibHeader(data));
    if (name === 'zstd') return unzstd(data, limit);
    if (name === 'br' && brotli) return unbrotli(data, limit, brotli);
    throw unknownEncoding();
  }, body);
}

function inflate(data: Uint8Array, limit: number, raw: boolean): Uint8Array {
  const output = new Output(limit);
  const inflator = new Inflate({ raw, chunkSize: ROOM });
  inflator.onData = (chunk) => output.add(chunk);
  for (let from = 0; from < data.length && !inflator.ended; from += SLICE) {
    inflator.push(data.subarray(from, from + SLICE), false);
  }
  if (inflator.err !== 0 || !inflator.ended) throw corruptBody(inflator.msg);
  return output.whole();
}

/** `deflate` means zlib's format, yet some clients send raw deflate: the two header bytes tell. */
function hasZlibHeader(data: Uint8Array): boolean {
  const [first = 0, second = 0] = data;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

function unbrotli(data: Uint8Array, limit: number, brotli: Brotli): Uint8Array {
  const output = new Output(limit);
  const stream = new brotli.DecompressStream();
  try {
    let code = 2;
    for (let from = 0; code !== 1; ) {
      if (code === 2 && from >= data.length) throw corruptBody('truncated');
      const result = decoded(() => stream.decompress(data.subarray(from, from + SLICE), ROOM));
      from += result.input_offset;
      code = result.code;
      output.add(result.buf);
      result.free();
    }
    return output.whole();
  } finally {
    stream.free();
  }
}

function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw corruptBody(error);
  }
}

class Output {
  readonly #chunks: Uint8Array[] = [];
  readonly #limit: number;
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#size > this.#limit) throw inflatedTooLarge(this.#limit);
    this.#chunks.push(chunk);
  }

  whole(): Uint8Array {
    return join(this.#chunks, this.#size);
  }
}

/** Chunks as one array of `size` bytes. */
export function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = chunks;
  if (only && chunks.length === 1) return only;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function unknownEncoding(): ApiError {
  const message = 'The content-encoding is not one of gzip, deflate, br, zstd, identity.';
  return new ApiError('unsupported_media', message, { headers: { 'accept-encoding': 'gzip, deflate, br, zstd' } });
}
