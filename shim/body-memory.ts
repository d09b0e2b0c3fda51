/** A budget of bytes that this process may hold, such as the handler's. */
export interface Budget {
  /** Takes bytes; false, with none taken, where there is no room for them. */
  take(bytes: number): boolean;
  /** Takes bytes that are held already. */
  add(bytes: number): void;
  giveBack(bytes: number): void;
}

/** The budget for all that is held; `arriving` is its part for what has not come whole yet. */
export interface Memory extends Budget {
  readonly arriving: Budget;
}

/** Bytes of one body or message that are not worth counting, as the handler has it (`fixedLimits.uncounted`). */
const UNCOUNTED = 64 * 1024;

/** What one body takes of the process's memory, from its first bytes to the end of its request. */
export class BodyMemory {
  readonly #memory: Memory | undefined;
  #budget: Budget | undefined;
  #size = 0;
  #held = 0;

  /** Without a budget nothing is counted. */
  constructor(memory: Memory | undefined) {
    this.#memory = memory;
    this.#budget = memory?.arriving;
  }

  /** Takes bytes that have come in; false where there is no room for them. */
  take(bytes: number): boolean {
    this.#size += bytes;
    if (!this.#budget || this.#size <= UNCOUNTED) return true;
    const more = this.#size - this.#held;
    if (!this.#budget.take(more)) return false;
    this.#held += more;
    return true;
  }

  /** Leaves bytes out of account that were taken and are not held. */
  forget(bytes: number): void {
    this.#size = Math.max(0, this.#size - bytes);
    const over = this.#held - this.#size;
    if (over <= 0) return;
    this.#budget?.giveBack(over);
    this.#held -= over;
  }

  /** The body is whole: it no longer takes the room of those that come in. */
  settle(): void {
    if (this.#held === 0) return;
    this.#budget?.giveBack(this.#held);
    this.#budget = this.#memory;
    this.#budget?.add(this.#held);
  }

  /** Gives everything back, and begins anew. */
  close(): void {
    if (this.#held > 0) this.#budget?.giveBack(this.#held);
    this.#budget = this.#memory?.arriving;
    this.#size = 0;
    this.#held = 0;
  }
}
