import { corruptBody } from '../errors.ts';
import type { BitsFromEnd } from './bits.ts';

/** A decoding table of finite state entropy: for each state a symbol, and the way to the next state. */
export interface FseTable {
  /** Bits of the first state. */
  log: number;
  symbols: Uint8Array;
  /** Bits to read, and what they are added to, for the next state. */
  bits: Uint8Array;
  base: Uint16Array;
}

/** The kinds of table, by what is coded; the largest accuracy and symbol are the format's. */
export interface FseKind {
  mostLog: number;
  mostSymbol: number;
}

/** The table that spreads symbols by their counts, of which -1 means "less than one", over 2^log states. */
export function fseTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const bits = new Uint8Array(size);
  const base = new Uint16Array(size);
  const next = new Uint16Array(counts.length);
  let high = size;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    const count = counts[symbol] ?? 0;
    next[symbol] = Math.abs(count);
    if (count === -1) symbols[--high] = symbol;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let at = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    for (let left = counts[symbol] ?? 0; left > 0; left--) {
      symbols[at] = symbol;
      do at = (at + step) & (size - 1);
      while (at >= high);
    }
  }
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] ?? 0;
    const number = next[symbol] ?? 1;
    next[symbol] = number + 1;
    const width = log - (31 - Math.clz32(number));
    bits[state] = width;
    base[state] = (number << width) - size;
  }
  return { log, symbols, bits, base };
}

/** A place in a table, which a stream moves. */
export class FseState {
  readonly #table: FseTable;
  #state: number;

  constructor(table: FseTable, stream: BitsFromEnd) {
    this.#table = table;
    this.#state = stream.read(table.log);
  }

  get symbol(): number {
    return this.#table.symbols[this.#state] ?? 0;
  }

  /** The bits that it takes to move. */
  get width(): number {
    return this.#table.bits[this.#state] ?? 0;
  }

  move(stream: BitsFromEnd): void {
    this.#state = (this.#table.base[this.#state] ?? 0) + stream.read(this.width);
  }
}

/** The table of one symbol that takes no bits. */
export function constantTable(symbol: number): FseTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), base: new Uint16Array(1) };
}

/** Reads the description of a table that begins at `from`; gives it with where it ends, at `end` at the latest. */
export function readFseTable(
  data: Uint8Array,
  from: number,
  end: number,
  { mostLog, mostSymbol }: FseKind,
): { table: FseTable; end: number } {
  let bit = from * 8;
  // Bits beyond the end are not the description's, and are found out when it is whole.
  const peek = (count: number) => {
    const byte = bit >>> 3;
    const three = (data[byte] ?? 0) | ((data[byte + 1] ?? 0) << 8) | ((data[byte + 2] ?? 0) << 16);
    return (three >>> (bit & 7)) & ((1 << count) - 1);
  };
  const log = peek(4) + 5;
  bit += 4;
  if (log > mostLog) throw corruptBody('a table is too accurate');

  const counts: number[] = [];
  let rest = 1 << log;
  while (rest > 0) {
    // A count is one of 0 to rest + 1; the lower ones take a bit less where not all widths are used up.
    const width = 32 - Math.clz32(rest + 1);
    const short = (1 << width) - 2 - rest;
    const low = peek(width - 1);
    let value = low;
    if (low < short) bit += width - 1;
    else {
      value = peek(width);
      bit += width;
      if (value >= 1 << (width - 1)) value -= short;
    }
    const count = value - 1;
    rest -= Math.abs(count);
    counts.push(count);
    if (count === 0) {
      let more: number;
      do {
        more = peek(2);
        bit += 2;
        for (let n = 0; n < more; n++) counts.push(0);
      } while (more === 3 && counts.length <= mostSymbol);
    }
    if (counts.length > mostSymbol + 1) throw corruptBody('a table has too many symbols');
  }
  const after = (bit + 7) >>> 3;
  if (rest < 0 || after > end) throw corruptBody('a table is broken');
  return { table: fseTable(counts, log), end: after };
}
