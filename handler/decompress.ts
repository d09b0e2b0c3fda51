import { join } from './byte-list.ts';
import type { Codec, Codecs, Piece } from './codec/codec.ts';
import { ApiError, corruptBody, inflatedTooLarge } from './errors.ts';
import { fixedLimits } from './limits.ts';

const { inflatedRatio, inflatedFree, inflatedIdle, inflating } = fixedLimits;

/** Bytes read and decoded per pause, some ten milliseconds of work; then others run. */
const BYTES_PER_PAUSE = 1024 * 1024;

/** The most input bytes per output byte: an encoder that flushes after each byte needs as many. */
const MAX_INPUT_RATIO = 8;

/**
 * Decompresses a body by its `content-encoding`, in slices with pauses for other requests. `take` gets the size of
 * each decoded piece, and may throw. Throws an ApiError: 415 for an unknown encoding or several, 400 for data that is
 * corrupt, truncated or followed by other data, 413 above `limit` bytes and past the other bounds of `fixedLimits`.
 */
export async function decompress(
  body: Uint8Array,
  encoding: string,
  limit: number,
  codecs: Codecs,
  take: (bytes: number) => void = () => {},
): Promise<Uint8Array> {
  const names = encoding.split(',').map((name) => name.trim().toLowerCase());
  const [name, ...others] = names.filter((name) => name !== '' && name !== 'identity');
  if (name === undefined) return body;
  const codecName = name === 'x-gzip' ? 'gzip' : name;
  const codec = others.length === 0 && Object.hasOwn(codecs, codecName) ? codecs[codecName] : undefined;
  if (!codec) throw unknownEncoding(Object.keys(codecs).filter((name) => codecs[name] !== undefined));
  try {
    return await decode(codec, body, limit, take);
  } catch (error) {
    throw error instanceof ApiError ? error : corruptBody(error);
  }
}

async function decode(
  codec: Codec,
  body: Uint8Array,
  limit: number,
  take: (bytes: number) => void,
): Promise<Uint8Array> {
  const maxSize = Math.max(inflatedFree, inflatedRatio * body.length);
  const chunks: Uint8Array[] = [];
  let [read, size, pausedAt, elapsed] = [0, 0, 0, 0];
  const addTime = (milliseconds: number) => {
    elapsed += milliseconds;
  };
  for await (const piece of timed(codec(body, limit), addTime)) {
    read += piece.read;
    size += piece.plain?.length ?? 0;
    if (size > limit) throw inflatedTooLarge(limit);
    if (size > maxSize) throw inflatedTooLarge(limit, `more than ${inflatedRatio} times as large as it was sent`);
    if (read > inflatedIdle + MAX_INPUT_RATIO * size) throw inflatedTooLarge(limit, 'in too many pieces');
    if (piece.plain) {
      take(piece.plain.length);
      chunks.push(piece.plain);
    }
    if (read + size - pausedAt < BYTES_PER_PAUSE) continue;
    pausedAt = read + size;
    if (elapsed > inflating) throw inflatedTooLarge(limit, `not made within ${inflating / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return join(chunks, size);
}

/**
 * The same pieces, with `addTime` called with the time each one blocked the event loop. A codec on another thread
 * also waits for other requests, which is not its time.
 */
function timed(pieces: Iterable<Piece> | AsyncIterable<Piece>, addTime: (milliseconds: number) => void) {
  const steps = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  const timed: AsyncIterator<Piece> = {
    async next() {
      const startedAt = performance.now();
      const step = steps.next();
      addTime(performance.now() - startedAt);
      return step;
    },
    async return() {
      await steps.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => timed };
}

function unknownEncoding(names: readonly string[]): ApiError {
  const message = `The content-encoding must be one of ${[...names, 'identity'].join(', ')}, and no more than one.`;
  return new ApiError('unsupported_media', message, { headers: { 'accept-encoding': names.join(', ') || 'identity' } });
}
