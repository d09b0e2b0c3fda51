import { corruptBody } from '../errors.ts';
import { littleEndian } from './bits.ts';
import type { Header } from './header.ts';
import type { HuffmanTable } from './huffman.ts';
import { readLiterals } from './literals.ts';
import type { Output } from './output.ts';
import { runSequences, type SequenceState } from './sequences.ts';

/** The most bytes that a block may hold. */
export const BLOCK = 128 * 1024;

/** A frame that is decoded block by block. */
export class Frame {
  readonly #data: Uint8Array;
  readonly #header: Header;
  readonly #output: Output;
  readonly #sequences: SequenceState;
  #huffman: HuffmanTable | undefined;
  #at: number;
  /** Whether the last block has been decoded. */
  whole = false;

  constructor(data: Uint8Array, header: Header, output: Output) {
    this.#data = data;
    this.#header = header;
    this.#output = output;
    this.#at = header.end;
    // All output is kept, so that a window costs nothing, however large it is said to be; a small one bounds the blocks.
    const most = Math.min(BLOCK, header.window);
    this.#sequences = { output, most, offsets: { first: 1, second: 4, third: 8 }, tables: {} };
    output.begin();
  }

  /** Decodes a block; gives the number of its sequences. */
  next(): number {
    const data = this.#data;
    const head = littleEndian(data, this.#at, 3);
    const size = head >>> 3;
    const kind = (head >> 1) & 3;
    const from = this.#at + 3;
    const end = from + (kind === 1 ? 1 : size);
    if (end > data.length || size > this.#sequences.most || kind === 3) throw corruptBody('a block is broken');
    this.whole = head % 2 === 1;
    this.#at = end;
    this.#output.reserve(BLOCK);
    if (kind === 2) return this.#decode(from, end);
    if (kind === 1) this.#output.fill(data[from] ?? 0, size);
    else this.#output.add(data, from, end);
    return 0;
  }

  /** Where the frame ends; throws when it is not what its header says. */
  end(): number {
    const { content, checksum } = this.#header;
    const end = this.#at + (checksum ? 4 : 0);
    if (content !== undefined && content !== this.#output.ofFrame) throw corruptBody('a frame has another size');
    if (end > this.#data.length) throw corruptBody('a frame is cut');
    return end;
  }

  #decode(from: number, end: number): number {
    const literals = readLiterals(this.#data, from, end, this.#sequences.most, this.#huffman);
    this.#huffman = literals.huffman;
    if (literals.end >= end) throw corruptBody('a block is cut');
    return runSequences(this.#data, literals.end, end, literals.bytes, this.#sequences);
  }
}
