import { inflatedTooLarge } from '../errors.ts';
import type { Piece } from './codec.ts';

/** As much of a stream of `node:zlib` as is used: Node has them, and so have workerd, Deno and Bun. */
export interface NodeStream {
  write(data: Uint8Array, done: () => void): unknown;
  end(): unknown;
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  destroy(): unknown;
  /** Input bytes that it consumed. */
  readonly bytesWritten: number;
}

/**
 * Feeds data to a stream in slices that end at `cuts`. workerd decodes a whole slice before it returns, so the stream
 * is destroyed from within above `limit` bytes; that is an ApiError, 413.
 */
export async function* readStream(
  stream: NodeStream,
  data: Uint8Array,
  cuts: Iterable<number>,
  limit: number,
): AsyncGenerator<Piece, void> {
  let wake = () => {};
  let failure: Error | undefined;
  let [ended, size] = [false, 0];
  const chunks: Uint8Array[] = [];
  stream.on('data', (chunk) => {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else {
      failure ??= inflatedTooLarge(limit);
      stream.destroy();
    }
    wake();
  });
  stream.on('end', () => {
    ended = true;
    wake();
  });
  stream.on('error', (error) => {
    failure ??= error;
    wake();
  });
  async function* until(isDone: () => boolean): AsyncGenerator<Piece, void> {
    for (;;) {
      for (let plain = chunks.shift(); plain; plain = chunks.shift()) yield { read: 0, plain };
      if (failure) throw failure;
      if (isDone()) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  try {
    let at = 0;
    for (const cut of cuts) {
      let done = false;
      stream.write(data.subarray(at, cut), () => {
        done = true;
        wake();
      });
      yield* until(() => done || ended);
      yield { read: cut - at };
      if (ended) return;
      at = cut;
    }
    stream.end();
    yield* until(() => ended);
  } finally {
    stream.destroy();
  }
}
