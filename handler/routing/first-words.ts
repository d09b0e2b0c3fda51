/** First words of a generation, of which one and the last are looked at; and how few tell nothing yet. */
const [GENERATION, FEW] = [50, 4];

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
   * Milliseconds after which one that has not come is late: `least`, and twice as long as the slowest lately, at least. Before much is known it is
   * twice `least`. Where others were late already (`beside` of `servers`) it is sooner, since the call is, until all are asked; then later each time.
   */
  lateAfter(least: number, beside: number, servers: number): number {
    const isKnown = this.#count >= FEW;
    if (!isKnown && beside >= servers) return 2 * least * 2 ** (beside - servers);
    const soon = beside > 0 ? least / 4 : isKnown ? least : 2 * least;
    return Math.max(soon, 2 * Math.max(this.#slowest, this.#before));
  }
}
