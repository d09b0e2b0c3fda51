/** How long something is remembered, in milliseconds: a server may be upgraded, or another take its place. */
export const REMEMBERED_MS = 3_600_000;

/** The most models of which something is remembered: their names come from clients. */
const MAX_MODELS = 1_000;

/** What a process has learned of a server's models, each for an hour; of too many models, what was learned last. */
export class Remembered<T> {
  readonly #known = new Map<string, { value: T; until: number }>();

  /** What is known of a model; undefined for nothing. */
  get(model: string): T | undefined {
    const known = this.#known.get(model);
    if (!known || known.until > performance.now()) return known?.value;
    this.#known.delete(model);
    return undefined;
  }

  /** Takes in what is known of a model from now on. */
  set(model: string, value: T): void {
    this.#known.delete(model);
    this.#known.set(model, { value, until: performance.now() + REMEMBERED_MS });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_MODELS && oldest !== undefined) this.#known.delete(oldest);
  }
}
