/** What is tried again at most: half of what is asked for, and so many a second beside it, which a quiet server needs. */
const [SHARE, PER_SECOND, MOST] = [0.5, 10, 100];

/** Bounds what is tried again, so that servers that all fail do not get several times the requests. */
export class RetryBudget {
  #left = MOST;
  #at = performance.now();

  /** A call was asked for. */
  asked(): void {
    this.#left = Math.min(MOST, this.#left + SHARE);
  }

  /** Whether one more may be tried again, which then counts. */
  take(): boolean {
    const now = performance.now();
    this.#left = Math.min(MOST, this.#left + ((now - this.#at) / 1_000) * PER_SECOND);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
