import type { Codec, Codecs, Piece } from './codec/codec.ts';
import { ApiError, corruptBody, inflatedTooLarge } from './errors.ts';
import { fixedLimits } from './limits.ts';

const { inflatedRatio, inflatedFree, inflatedIdle, inflating } = fixedLimits;

/** Bytes read and made after which other requests have their turn: some ten milliseconds of work. */
const BYTES_PER_PAUSE = 1024 * 1024;

/** Bytes of input for one of output that an encoder may take which flushes after each. */
const MAX_INPUT_RATIO = 8;

/**
 * A body freed of its `content-encoding`: one that `codecs` has, or identity. The work is done in slices, between which other
 * requests have their turn; `take` is told how many bytes have come, and may throw. Throws an ApiError: 415 for an encoding
 * that there is not, and for several; 400 for data that is corrupt, cut, or has something behind its end; 413 above `limit`
 * bytes, and past the other bounds of `fixedLimits`.
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
  const known = name === 'x-gzip' ? 'gzip' : name;
  const codec = others.length === 0 && Object.hasOwn(codecs, known) ? codecs[known] : undefined;
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
 * The same pieces; `took` is told how long each has held up all else. A codec that waits for another thread waits for other
 * requests' turns as well, and that is not its time.
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

function unknownEncoding(known: readonly string[]): ApiError {
  const message = `The content-encoding must be one of ${[...known, 'identity'].join(', ')}, and no more than one.`;
  return new ApiError('unsupported_media', message, { headers: { 'accept-encoding': known.join(', ') || 'identity' } });
}
