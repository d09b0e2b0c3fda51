import type { Codec, Codecs } from './codec/codec.ts';
import { ApiError, corruptBody, inflatedTooLarge } from './errors.ts';
import { fixedLimits } from './limits.ts';

const { inflatedRatio, inflatedFree, inflatedIdle, inflating } = fixedLimits;

/** Bytes read and made after which other requests have their turn: some ten milliseconds of work. */
const WORK = 1024 * 1024;

/** Bytes of input for one of output that an encoder may take which flushes after each. */
const FLUSHED = 8;

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
  if (!codec) throw unknownEncoding(Object.keys(codecs));
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
  const most = Math.max(inflatedFree, inflatedRatio * body.length);
  const chunks: Uint8Array[] = [];
  let [read, size, rested, spent] = [0, 0, 0, 0];
  let since = Date.now();
  for await (const piece of codec(body, limit)) {
    read += piece.read;
    size += piece.plain?.length ?? 0;
    if (size > limit) throw inflatedTooLarge(limit);
    if (size > most) throw inflatedTooLarge(limit, `more than ${inflatedRatio} times as large as it was sent`);
    if (read > inflatedIdle + FLUSHED * size) throw inflatedTooLarge(limit, 'in too many pieces');
    if (piece.plain) {
      take(piece.plain.length);
      chunks.push(piece.plain);
    }
    if (read + size - rested < WORK) continue;
    rested = read + size;
    spent += Date.now() - since;
    if (spent > inflating) throw inflatedTooLarge(limit, `not made within ${inflating / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 0));
    since = Date.now();
  }
  return join(chunks, size);
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
