import { garbled } from './failure.ts';

/** The longest event, in bytes. */
const MAX_EVENT = 16 * 1024 * 1024;

const LINE_FEED = 0x0a;
const RETURN = 0x0d;

/** Server-sent events as they arrive, cut where one ends. What comes whole is not copied. */
export class EventBlocks {
  /** The start of an event, in a buffer that grows by doubling. */
  #held = new Uint8Array(0);
  #length = 0;
  #searched = 0;

  /** The events that are complete with this chunk; undefined for none. Throws an ApiError for one that is too long. */
  add(chunk: Uint8Array): Uint8Array | undefined {
    if (this.#length === 0) {
      const end = endIn(chunk, 0);
      this.#hold(chunk.subarray(end));
      return end > 0 ? chunk.subarray(0, end) : undefined;
    }
    this.#hold(chunk);
    const all = this.#held.subarray(0, this.#length);
    const end = endIn(all, this.#searched);
    this.#searched = this.#length;
    if (end === 0) return undefined;
    const rest = all.slice(end);
    const whole = all.slice(0, end);
    this.#length = 0;
    this.#hold(rest);
    return whole;
  }

  /** What has come of an event that has no end; undefined for none. */
  end(): Uint8Array | undefined {
    const rest = this.#held.slice(0, this.#length);
    this.#length = 0;
    return rest.length > 0 ? rest : undefined;
  }

  #hold(bytes: Uint8Array): void {
    if (this.#length === 0) this.#searched = 0;
    const length = this.#length + bytes.length;
    if (length > MAX_EVENT) throw garbled('an event without end');
    if (length > this.#held.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#held.length));
      grown.set(this.#held.subarray(0, this.#length));
      this.#held = grown;
    }
    this.#held.set(bytes, this.#length);
    this.#length = length;
  }
}

/** Behind the last blank line whose end is not before `from`; 0 where there is none. What stands further before is not looked at. */
function endIn(bytes: Uint8Array, from: number): number {
  const start = Math.max(0, from - 2);
  const near = bytes.subarray(start);
  for (let at = near.lastIndexOf(LINE_FEED); at > 0 && start + at >= from; at = near.lastIndexOf(LINE_FEED, at - 1)) {
    const before = near[at - 1];
    if (before === LINE_FEED || (before === RETURN && near[at - 2] === LINE_FEED)) return start + at + 1;
  }
  return 0;
}
