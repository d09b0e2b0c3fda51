/** A memory budget of this process in bytes, such as the handler's. */
export interface Budget {
  /** Reserves bytes; false, reserving none, when there is no room. */
  take(bytes: number): boolean;
  /** Adds bytes that are in memory already, whatever the limit. */
  add(bytes: number): void;
  giveBack(bytes: number): void;
}

/** The whole budget; `arriving` is its part for bodies that are still coming in. */
export interface Memory extends Budget {
  readonly arriving: Budget;
}

/** Bytes of a body or message that are not worth counting; the same as the handler's `fixedLimits.uncounted`. */
const UNCOUNTED_BYTES = 64 * 1024;

/** Memory of one body, from its first bytes to the end of its request. */
export class BodyMemory {
  readonly #memory: Memory | undefined;
  #budget: Budget | undefined;
  #size = 0;
  #reserved = 0;

  /** Without a budget nothing is counted. */
  constructor(memory: Memory | undefined) {
    this.#memory = memory;
    this.#budget = memory?.arriving;
  }

  /** Reserves bytes that came in; false when there is no room. */
  take(bytes: number): boolean {
    this.#size += bytes;
    if (!this.#budget || this.#size <= UNCOUNTED_BYTES) return true;
    const more = this.#size - this.#reserved;
    if (!this.#budget.take(more)) return false;
    this.#reserved += more;
    return true;
  }

  /** Gives back bytes that were reserved but are not kept. */
  forget(bytes: number): void {
    this.#size = Math.max(0, this.#size - bytes);
    const surplus = this.#reserved - this.#size;
    if (surplus <= 0) return;
    this.#budget?.giveBack(surplus);
    this.#reserved -= surplus;
  }

  /** Moves a complete body from the `arriving` budget to the whole one. */
  settle(): void {
    if (this.#reserved === 0) return;
    this.#budget?.giveBack(this.#reserved);
    this.#budget = this.#memory;
    this.#budget?.add(this.#reserved);
  }

  /** Gives everything back; the object can be used again. */
  close(): void {
    if (this.#reserved > 0) this.#budget?.giveBack(this.#reserved);
    this.#budget = this.#memory?.arriving;
    this.#size = 0;
    this.#reserved = 0;
  }
}
