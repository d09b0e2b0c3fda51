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
const UNCOUNTED_BYTES = 64 * 1024;

/** What one body takes of the process's memory, from its first bytes to the end of its request. */
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

  /** Takes bytes that have come in; false where there is no room for them. */
  take(bytes: number): boolean {
    this.#size += bytes;
    if (!this.#budget || this.#size <= UNCOUNTED_BYTES) return true;
    const more = this.#size - this.#reserved;
    if (!this.#budget.take(more)) return false;
    this.#reserved += more;
    return true;
  }

  /** Leaves bytes out of account that were taken and are not held. */
  forget(bytes: number): void {
    this.#size = Math.max(0, this.#size - bytes);
    const surplus = this.#reserved - this.#size;
    if (surplus <= 0) return;
    this.#budget?.giveBack(surplus);
    this.#reserved -= surplus;
  }

  /** The body is whole: it no longer takes the room of those that come in. */
  settle(): void {
    if (this.#reserved === 0) return;
    this.#budget?.giveBack(this.#reserved);
    this.#budget = this.#memory;
    this.#budget?.add(this.#reserved);
  }

  /** Gives everything back, and begins anew. */
  close(): void {
    if (this.#reserved > 0) this.#budget?.giveBack(this.#reserved);
    this.#budget = this.#memory?.arriving;
    this.#size = 0;
    this.#reserved = 0;
  }
}
