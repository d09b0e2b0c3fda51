import { corruptBody } from '../errors.ts';
import { BitsFromEnd } from './bits.ts';
import { constantTable, type FseKind, FseState, type FseTable, fseTable, readFseTable } from './fse.ts';
import type { Output } from './output.ts';

/** What a sequence says, as codes: how many literals to take, from how far back to repeat, and how much. */
type Part = 'literals' | 'offset' | 'match';

/** What sequences work on, and what they leave to the next block of their frame. */
export interface SequenceState {
  output: Output;
  /** The most bytes that a block may write. */
  most: number;
  /** How far back the last three matches reached, the newest first. */
  offsets: { first: number; second: number; third: number };
  /** The tables that were used last. */
  tables: Partial<Record<Part, FseTable>>;
}

interface PartKind extends FseKind {
  /** The table where a block brings none. */
  usual: FseTable;
  /** Where the block says which table, as a shift. */
  mode: number;
}

const repeat = (value: number, count: number) => Array.from({ length: count }, () => value);

const kinds: Record<Part, PartKind> = {
  literals: {
    mostLog: 9,
    mostSymbol: 35,
    mode: 6,
    usual: fseTable([4, 3, ...repeat(2, 11), 1, 1, 1, ...repeat(2, 9), 3, 2, ...repeat(1, 5), ...repeat(-1, 4)], 6),
  },
  offset: {
    mostLog: 8,
    mostSymbol: 31,
    mode: 4,
    usual: fseTable([...repeat(1, 6), 2, 2, 2, ...repeat(1, 15), ...repeat(-1, 5)], 5),
  },
  match: {
    mostLog: 9,
    mostSymbol: 52,
    mode: 2,
    usual: fseTable([1, 4, 3, ...repeat(2, 6), ...repeat(1, 37), ...repeat(-1, 7)], 6),
  },
};

/** Lengths by their codes: for each the extra bits that follow it, and what they are added to. */
class Lengths {
  readonly #bits: Uint8Array;
  readonly #base: Uint32Array;

  constructor(first: number, plain: number, extra: readonly number[]) {
    this.#bits = Uint8Array.from([...repeat(0, plain), ...extra]);
    this.#base = new Uint32Array(this.#bits.length);
    let next = first;
    for (const [code, width] of this.#bits.entries()) {
      this.#base[code] = next;
      next += 1 << width;
    }
  }

  read(code: number, stream: BitsFromEnd): number {
    return (this.#base[code] ?? 0) + stream.read(this.#bits[code] ?? 0);
  }
}

const literalLengths = new Lengths(0, 16, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const matchLengths = new Lengths(3, 32, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);

/** The largest offset code: what is further back than 2^30 bytes is not there. */
const MOST_OFFSET = 30;

/**
 * Carries out a block's sequences section, from `from` to before `end`: takes literals, and repeats what was before.
 * Gives the number of sequences.
 */
export function runSequences(
  data: Uint8Array,
  from: number,
  end: number,
  literals: Uint8Array,
  { output, most, offsets, tables }: SequenceState,
): number {
  const first = data[from] ?? 0;
  let at = from + (first < 128 ? 1 : first < 255 ? 2 : 3);
  const [second = 0, third = 0] = data.subarray(from + 1, from + 3);
  const count = first < 128 ? first : first < 255 ? ((first - 128) << 8) + second : second + (third << 8) + 0x7f00;
  if (at > end || (count === 0 && at !== end)) throw corruptBody('sequences are cut');
  if (count === 0) {
    output.add(literals, 0, literals.length);
    return 0;
  }

  const modes = data[at++] ?? 0;
  if ((modes & 3) !== 0 || at > end) throw corruptBody('sequences have a table that is not known');
  const tableOf = (part: Part): FseTable => {
    const { usual, mode, ...kind } = kinds[part];
    const way = (modes >> mode) & 3;
    let table = way === 0 ? usual : tables[part];
    if (way === 1) {
      const symbol = data[at++] ?? 0;
      if (symbol > kind.mostSymbol || at > end) throw corruptBody('a table is broken');
      table = constantTable(symbol);
    } else if (way === 2) {
      const read = readFseTable(data, at, end, kind);
      table = read.table;
      at = read.end;
    }
    if (!table) throw corruptBody('a table is not there');
    tables[part] = table;
    return table;
  };
  const literalTable = tableOf('literals');
  const offsetTable = tableOf('offset');
  const matchTable = tableOf('match');

  const stream = new BitsFromEnd(data, at, end);
  const literalState = new FseState(literalTable, stream);
  const offsetState = new FseState(offsetTable, stream);
  const matchState = new FseState(matchTable, stream);
  const stop = output.size + most;
  let taken = 0;
  for (let left = count; left > 0; left--) {
    const offsetCode = offsetState.symbol;
    if (offsetCode > MOST_OFFSET) throw corruptBody('a match is too far back');
    const value = (1 << offsetCode) + stream.read(offsetCode);
    const match = matchLengths.read(matchState.symbol, stream);
    const plain = literalLengths.read(literalState.symbol, stream);
    // Before anything is copied: a sequence costs no more than what it is allowed to write.
    if (taken + plain > literals.length || output.size + plain + match > stop) throw corruptBody('a block is too long');
    output.add(literals, taken, taken + plain);
    taken += plain;
    output.repeat(offsetOf(value, plain === 0, offsets), match);
    if (left === 1) break;
    literalState.move(stream);
    matchState.move(stream);
    offsetState.move(stream);
  }
  if (stream.left !== 0) throw corruptBody('sequences are too long');
  if (output.size + literals.length - taken > stop) throw corruptBody('a block is too long');
  output.add(literals, taken, literals.length);
  return count;
}

/** The offset that a value stands for: 1 to 3 are the last ones, shifted by one where no literals come before. */
function offsetOf(value: number, bare: boolean, offsets: SequenceState['offsets']): number {
  const { first, second, third } = offsets;
  const which = value > 3 ? 3 : value - 1 + (bare ? 1 : 0);
  if (which === 0) return first;
  const chosen = value > 3 ? value - 3 : which === 1 ? second : which === 2 ? third : first - 1;
  offsets.first = chosen;
  offsets.second = first;
  if (which > 1) offsets.third = second;
  return chosen;
}
