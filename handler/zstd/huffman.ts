import { corruptBody } from '../errors.ts';
import { BitsFromEnd } from './bits.ts';
import { FseState, readFseTable } from './fse.ts';

/** The longest code, in bits, and the most symbols. */
const MOST_BITS = 11;
const MOST_SYMBOLS = 256;

/** A decoding table: what the next `log` bits mean, and how many of them do. */
export interface HuffmanTable {
  log: number;
  symbols: Uint8Array;
  bits: Uint8Array;
}

/** Reads the description of a Huffman code that begins at `from`; gives its table with where it ends. */
export function readHuffmanTable(data: Uint8Array, from: number, end: number): { table: HuffmanTable; end: number } {
  const head = data[from] ?? 0;
  const begin = from + 1;
  const after = begin + (head < 128 ? head : (head - 126) >> 1);
  if (begin >= end || after > end) throw corruptBody('a Huffman code is cut');
  const weights = head < 128 ? codedWeights(data, begin, after) : plainWeights(data, begin, head - 127);
  return { table: tableOf(weights), end: after };
}

function plainWeights(data: Uint8Array, from: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => {
    const byte = data[from + (n >> 1)] ?? 0;
    return n % 2 === 0 ? byte >> 4 : byte & 15;
  });
}

/** Two states take turns until one of them cannot go on; the other's symbol is the last. */
function codedWeights(data: Uint8Array, from: number, to: number): number[] {
  const { table, end } = readFseTable(data, from, to, { mostLog: 6, mostSymbol: MOST_BITS + 1 });
  const stream = new BitsFromEnd(data, end, to);
  const weights: number[] = [];
  let state = new FseState(table, stream);
  let other = new FseState(table, stream);
  // The bound ends a table that consumes no bits: it would go on for ever.
  while (weights.length < MOST_SYMBOLS) {
    weights.push(state.symbol);
    if (state.width > stream.left) {
      weights.push(other.symbol);
      return weights;
    }
    state.move(stream);
    [state, other] = [other, state];
  }
  throw corruptBody('a Huffman code has too many symbols');
}

/** The weight of the last symbol is not written: it is what makes the code complete. */
function tableOf(weights: number[]): HuffmanTable {
  if (weights.length >= MOST_SYMBOLS) throw corruptBody('a Huffman code has too many symbols');
  let sum = 0;
  for (const weight of weights) {
    if (weight > MOST_BITS) throw corruptBody('a Huffman code is too long');
    if (weight > 0) sum += 1 << (weight - 1);
  }
  const log = 32 - Math.clz32(sum);
  const rest = (1 << log) - sum;
  if (sum === 0 || log > MOST_BITS || (rest & (rest - 1)) !== 0) throw corruptBody('a Huffman code is incomplete');
  weights.push(32 - Math.clz32(rest));

  const symbols = new Uint8Array(1 << log);
  const bits = new Uint8Array(1 << log);
  const places = placesOf(weights, log);
  for (let symbol = 0; symbol < weights.length; symbol++) {
    const weight = weights[symbol] ?? 0;
    if (weight === 0) continue;
    const at = places[weight] ?? 0;
    const to = at + (1 << (weight - 1));
    places[weight] = to;
    symbols.fill(symbol, at, to);
    bits.fill(log + 1 - weight, at, to);
  }
  return { log, symbols, bits };
}

/** For each weight, where its codes begin: the lighter ones, whose codes are longer, come first. */
function placesOf(weights: readonly number[], log: number): Uint16Array {
  const places = new Uint16Array(log + 2);
  for (const weight of weights) if (weight > 0) places[weight + 1] = (places[weight + 1] ?? 0) + (1 << (weight - 1));
  for (let weight = 1; weight < places.length; weight++) {
    places[weight] = (places[weight] ?? 0) + (places[weight - 1] ?? 0);
  }
  return places;
}

/** Decodes one stream, from `from` to before `to`, which must give exactly the bytes of `into`. */
export function decodeHuffman(
  { log, symbols, bits }: HuffmanTable,
  data: Uint8Array,
  from: number,
  to: number,
  into: Uint8Array,
): void {
  const stream = new BitsFromEnd(data, from, to);
  for (let n = 0; n < into.length; n++) {
    const code = stream.peek(log);
    into[n] = symbols[code] ?? 0;
    stream.left -= bits[code] ?? 0;
    if (stream.left < 0) throw corruptBody('a Huffman stream is too short');
  }
  if (stream.left !== 0) throw corruptBody('a Huffman stream is too long');
}
