import { corruptBody } from '../errors.ts';
import { littleEndian } from './bits.ts';
import { decodeHuffman, type HuffmanTable, readHuffmanTable } from './huffman.ts';

/** The literals of a block, the code that the next block may use again, and where the section ends. */
export interface Literals {
  bytes: Uint8Array;
  huffman: HuffmanTable | undefined;
  end: number;
}

/** Reads a block's literals section, from `from` on, of at most `most` bytes once decoded. */
export function readLiterals(
  data: Uint8Array,
  from: number,
  end: number,
  most: number,
  earlier: HuffmanTable | undefined,
): Literals {
  const head = data[from] ?? 0;
  const kind = head & 3;
  const format = (head >> 2) & 3;
  if (kind < 2) {
    // One byte of header, two or three: five bits of size, twelve or twenty.
    const header = format % 2 === 0 ? 1 : format === 1 ? 2 : 3;
    const size = littleEndian(data, from, header) >>> (header === 1 ? 3 : 4);
    const at = from + header;
    const stored = kind === 0 ? size : 1;
    if (size > most || at + stored > end) throw corruptBody('literals are cut');
    const bytes = kind === 0 ? data.subarray(at, at + size) : new Uint8Array(size).fill(data[at] ?? 0);
    return { bytes, huffman: earlier, end: at + stored };
  }

  // Both sizes in ten bits each, in fourteen or in eighteen.
  const width = format < 2 ? 10 : format === 2 ? 14 : 18;
  const header = format < 2 ? 3 : format + 2;
  const sizes = littleEndian(data, from, header);
  const size = Math.floor(sizes / 16) % 2 ** width;
  const stored = Math.floor(sizes / 16 / 2 ** width);
  let at = from + header;
  const to = at + stored;
  if (size > most || to > end) throw corruptBody('literals are cut');
  let huffman = earlier;
  if (kind === 2) {
    const read = readHuffmanTable(data, at, to);
    huffman = read.table;
    at = read.end;
  }
  if (!huffman) throw corruptBody('literals have no code');
  const bytes = new Uint8Array(size);
  if (format === 0) decodeHuffman(huffman, data, at, to, bytes);
  else decodeFour(huffman, data, at, to, bytes);
  return { bytes, huffman, end: to };
}

/** Three sizes, then four streams; each of the first three gives a quarter, rounded up. */
function decodeFour(huffman: HuffmanTable, data: Uint8Array, from: number, to: number, bytes: Uint8Array): void {
  const quarter = (bytes.length + 3) >> 2;
  let at = from + 6;
  if (at > to || 3 * quarter > bytes.length) throw corruptBody('literals are cut');
  for (let n = 0; n < 4; n++) {
    const end = n < 3 ? at + littleEndian(data, from + 2 * n, 2) : to;
    if (end > to) throw corruptBody('literals are cut');
    decodeHuffman(huffman, data, at, end, bytes.subarray(n * quarter, n < 3 ? (n + 1) * quarter : bytes.length));
    at = end;
  }
}
