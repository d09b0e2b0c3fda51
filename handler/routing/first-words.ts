/** First words of a generation, of which one and the last are looked at; and how few tell nothing yet. */
const [GENERATION, FEW] = [50, 10];

/** How long the servers of a model take to their first word, so that one which hangs is told from one which is slow. */
export class FirstWords {
  #count = 0;
  /** The slowest of this generation, and of the last. */
  #slowest = 0;
  #before = 0;

  /** One came after so many milliseconds. */
  heard(ms: number): void {
    this.#slowest = Math.max(this.#slowest, ms);
    this.#count++;
    if (this.#count % GENERATION !== 0) return;
    this.#before = this.#slowest;
    this.#slowest = 0;
  }

  /**
   * Milliseconds after which one that has not come is late: `least`, and twice as long as the slowest lately, at least. Where `beside` servers
   * were late already it is sooner, since the call is; before much is known it is later, and later each time.
   */
  lateAfter(least: number, beside: number): number {
    if (this.#count < FEW) return 2 * least * 2 ** beside;
    return Math.max(beside > 0 ? least / 4 : least, 2 * Math.max(this.#slowest, this.#before));
  }
}
