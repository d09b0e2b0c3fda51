import { corruptBody } from '../errors.ts';

/** A stream of bits that is read from its end, as zstd writes what is entropy-coded. */
export class BitsFromEnd {
  readonly #data: Uint8Array;
  readonly #first: number;
  /** The bits that are left. */
  left: number;

  /** The stream in the bytes from `from` to before `to`: its last byte ends with a mark, the highest bit that is set. */
  constructor(data: Uint8Array, from: number, to: number) {
    const last = to > from ? (data[to - 1] ?? 0) : 0;
    if (last === 0) throw corruptBody('a stream of bits has no end');
    this.#data = data;
    this.#first = from;
    this.left = (to - from) * 8 - 1 - (Math.clz32(last) - 24);
  }

  /** The next `count` bits, 30 at most; throws when there are fewer. */
  read(count: number): number {
    if (count > 16) return (this.read(count - 16) << 16) | this.read(16);
    if (count > this.left) throw corruptBody('a stream of bits is too short');
    this.left -= count;
    return this.#at(this.left) & ((1 << count) - 1);
  }

  /** The next `count` bits, 16 at most, which stay; zeros stand for those beyond the end. */
  peek(count: number): number {
    const at = this.left - count;
    const bits = at >= 0 ? this.#at(at) : this.#at(0) << -at;
    return bits & ((1 << count) - 1);
  }

  #at(bit: number): number {
    const data = this.#data;
    const byte = this.#first + (bit >>> 3);
    const low = (data[byte] ?? 0) | ((data[byte + 1] ?? 0) << 8) | ((data[byte + 2] ?? 0) << 16);
    return low >>> (bit & 7);
  }
}

/** A number of a few bytes; zeros stand for what is beyond the end of the data. */
export function littleEndian(data: Uint8Array, from: number, bytes: number): number {
  let value = 0;
  for (let n = bytes - 1; n >= 0; n--) value = value * 256 + (data[from + n] ?? 0);
  return value;
}
