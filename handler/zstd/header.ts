import { corruptBody } from '../errors.ts';
import { littleEndian } from './bits.ts';

const MAGIC = 0xfd2fb528;

/** What a frame says of itself before its first block. */
export interface Header {
  /** Where the first block begins. */
  end: number;
  /** The size of what the frame holds, if it says. */
  content: number | undefined;
  /** How far back matches may reach; it bounds a block as well. */
  window: number;
  checksum: boolean;
}

/** Reads the header of the frame that begins at `from`; throws for one that needs a dictionary. */
export function readHeader(data: Uint8Array, from: number): Header {
  const flags = data[from + 4] ?? 0;
  if (littleEndian(data, from, 4) !== MAGIC || (flags & 8) !== 0) throw corruptBody('no frame begins here');
  const single = (flags & 32) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0;
  const contentBytes = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const dictionary = from + (single ? 5 : 6);
  const end = dictionary + dictionaryBytes + contentBytes;
  if (end > data.length) throw corruptBody('a frame is cut');
  if (littleEndian(data, dictionary, dictionaryBytes) !== 0) throw corruptBody('a dictionary is needed');
  const size = littleEndian(data, end - contentBytes, contentBytes) + (contentBytes === 2 ? 256 : 0);
  const window = data[from + 5] ?? 0;
  return {
    end,
    content: contentBytes === 0 ? undefined : size,
    window: single ? size : 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8),
    checksum: (flags & 4) !== 0,
  };
}
