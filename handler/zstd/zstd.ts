import { corruptBody, inflatedTooLarge } from '../errors.ts';
import { littleEndian } from './bits.ts';
import { BLOCK, Frame } from './frame.ts';
import { readHeader } from './header.ts';
import { Output } from './output.ts';

/** The beginning of a frame that is to be skipped; its last four bits are free. */
const SKIPPABLE = 0x184d2a5;

/**
 * Decodes zstd (RFC 8878): any number of frames, without dictionaries. Throws an ApiError: 413 as soon as there are more
 * than `limit` bytes, declared or real, and 400 for what is corrupt or cut. Whatever the input says, it does no more
 * work than its size and the limit warrant. Checksums are passed over.
 */
export function unzstd(data: Uint8Array, limit: number): Uint8Array {
  if (data.length === 0) throw corruptBody('nothing is there');
  const output = new Output();
  let { blocks, sequences } = most(data.length, limit);
  for (let at = 0; at < data.length; ) {
    if (Math.floor(littleEndian(data, at, 4) / 16) === SKIPPABLE) {
      at += 8 + littleEndian(data, at + 4, 4);
      if (at > data.length) throw corruptBody('a frame is cut');
      continue;
    }
    const header = readHeader(data, at);
    if (header.content !== undefined && output.size + header.content > limit) throw inflatedTooLarge(limit);
    const frame = new Frame(data, header, output);
    while (!frame.whole) {
      sequences -= frame.next();
      blocks--;
      if (output.size > limit) throw inflatedTooLarge(limit);
      if (blocks < 0 || sequences < 0) throw inflatedTooLarge(limit, 'in too many pieces');
    }
    at = frame.end();
  }
  return output.whole();
}

/**
 * What a body may be made of. A block of a few bytes may bring tables that take 50 us to build: eight times as many as
 * hold the limit when they are full are allowed, and some for who flushes often. A sequence takes 0.1 us and may be
 * written in no bits at all, 40,000 to a block: those that take a bit each are allowed, and some.
 */
function most(size: number, limit: number): { blocks: number; sequences: number } {
  return { blocks: 1_024 + Math.ceil((8 * limit) / BLOCK), sequences: 1_048_576 + 8 * size };
}
