import { inflatedTooLarge } from '../errors.ts';

/** The most bytes in a block. */
const MAX_BLOCK = 128 * 1024;

const MAGIC = 0xfd2fb528;

/** The magic number of a skippable frame, without its last four bits, which vary. */
const SKIPPABLE = 0x184d2a5;

/** Block types; any other is raw. */
const REPEATED = 1;
const COMPRESSED = 2;
const RESERVED = 3;

/** One frame of a zstd body. */
export interface Frame {
  bytes: Uint8Array;
  /** The most bytes it can decode to. */
  maxSize: number;
  /** Block ends to cut at, with at most 384 KiB of output between two; the last is the end of the frame. */
  cuts: number[];
}

/**
 * The frames of a zstd body (RFC 8878), found by frame and block headers. Decoders read only the first frame, some
 * accept a truncated one, and all ignore what follows. Throws an Error for anything but complete frames without a
 * dictionary, and an ApiError, 413, for a declared size above `limit` bytes, and for more blocks than eight times
 * those that hold the limit: rebuilding tables for each takes far longer than its bytes.
 */
export function* frames(data: Uint8Array, limit: number): Generator<Frame> {
  if (data.length === 0) throw new Error('nothing is there');
  let blocks = 1_024 + Math.ceil((8 * limit) / MAX_BLOCK);
  const countBlock = () => {
    if (--blocks < 0) throw inflatedTooLarge(limit, 'in too many pieces');
  };
  for (let from = 0, end = 0; from < data.length; from = end) {
    if (Math.floor(littleEndian(data, from, 4) / 16) === SKIPPABLE) {
      countBlock();
      end = from + 8 + littleEndian(data, from + 4, 4);
      if (end > data.length) throw new Error('a frame is cut');
      continue;
    }
    const { content, window, checksum, ...header } = readHeader(data, from);
    if (content !== undefined && content > limit) throw inflatedTooLarge(limit);
    const full = Math.min(MAX_BLOCK, window);
    const cuts: number[] = [];
    let [maxSize, cut] = [0, 0];
    end = header.end;
    for (let last = false; !last; ) {
      countBlock();
      const head = littleEndian(data, end, 3);
      const [kind, size] = [(head >> 1) & 3, head >>> 3];
      last = head % 2 === 1;
      end += 3 + (kind === REPEATED ? 1 : size);
      if (end > data.length || size > full || kind === RESERVED) throw new Error('a block is broken');
      maxSize += kind === COMPRESSED ? full : size;
      if (maxSize - cut > 2 * MAX_BLOCK) {
        cuts.push(end - from);
        cut = maxSize;
      }
    }
    if (checksum) end += 4;
    if (end > data.length) throw new Error('a frame is cut');
    if (content !== undefined && content > maxSize) throw new Error('a frame has another size');
    const bytes = withWindow(data.subarray(from, end), window, Math.min(maxSize, limit));
    yield { bytes, maxSize, cuts: [...cuts, bytes.length] };
  }
}

/** A frame's header, which ends at `end`; `window` is how far back matches may reach. */
function readHeader(data: Uint8Array, from: number) {
  const flags = data[from + 4] ?? 0;
  if (littleEndian(data, from, 4) !== MAGIC || (flags & 8) !== 0) throw new Error('no frame begins here');
  const single = (flags & 32) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0;
  const contentBytes = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const dictionary = from + (single ? 5 : 6);
  const end = dictionary + dictionaryBytes + contentBytes;
  if (end > data.length) throw new Error('a frame is cut');
  if (littleEndian(data, dictionary, dictionaryBytes) !== 0) throw new Error('a dictionary is needed');
  const size = littleEndian(data, end - contentBytes, contentBytes) + (contentBytes === 2 ? 256 : 0);
  const byte = data[from + 5] ?? 0;
  return {
    end,
    content: contentBytes === 0 ? undefined : size,
    window: single ? size : 2 ** (10 + (byte >> 3)) * (1 + (byte & 7) / 8),
    checksum: (flags & 4) !== 0,
  };
}

/** The frame with its window reduced to what is needed: decoders allocate the declared window, or refuse it. */
function withWindow(frame: Uint8Array, window: number, needed: number): Uint8Array {
  const log = Math.ceil(Math.log2(Math.max(MAX_BLOCK, needed)));
  const single = ((frame[4] ?? 0) & 32) !== 0;
  if (single || window <= 2 ** log) return frame;
  const smaller = frame.slice();
  smaller[5] = (log - 10) << 3;
  return smaller;
}

/** A little-endian number; bytes beyond the data are zero. */
function littleEndian(data: Uint8Array, from: number, bytes: number): number {
  let value = 0;
  for (let n = bytes - 1; n >= 0; n--) value = value * 256 + (data[from + n] ?? 0);
  return value;
}
