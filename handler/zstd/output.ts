import { corruptBody } from '../errors.ts';

/** The first room, in bytes; it doubles as it is filled. What a header declares is never trusted with an allocation. */
const ROOM = 64 * 1024;

/** Bytes up to which a loop is quicker than a call. */
const FEW = 48;

/** What has been decoded so far, in one array, so that a match is a copy within it. */
export class Output {
  #bytes = new Uint8Array(ROOM);
  #frame = 0;
  /** Bytes so far. */
  size = 0;

  /** Begins a frame: matches reach no further back than to here. */
  begin(): void {
    this.#frame = this.size;
  }

  /** Bytes of the frame so far. */
  get ofFrame(): number {
    return this.size - this.#frame;
  }

  /** Makes room for as many more bytes. */
  reserve(more: number): void {
    if (this.size + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.size + more));
    larger.set(this.#bytes.subarray(0, this.size));
    this.#bytes = larger;
  }

  /** Adds bytes, for which there is room: those from `from` to before `to`. */
  add(bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (length > FEW) this.#bytes.set(bytes.subarray(from, to), this.size);
    else for (let n = 0; n < length; n++) this.#bytes[this.size + n] = bytes[from + n] ?? 0;
    this.size += length;
  }

  /** Adds one byte many times. */
  fill(byte: number, times: number): void {
    this.#bytes.fill(byte, this.size, this.size + times);
    this.size += times;
  }

  /** Repeats what is `offset` bytes back; throws when that is before the frame. */
  repeat(offset: number, length: number): void {
    if (offset < 1 || offset > this.ofFrame) throw corruptBody('a match is too far back');
    const from = this.size - offset;
    if (length > FEW && offset >= length) this.#bytes.copyWithin(this.size, from, from + length);
    else for (let n = 0; n < length; n++) this.#bytes[this.size + n] = this.#bytes[from + n] ?? 0;
    this.size += length;
  }

  /** All of it. */
  whole(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }
}
