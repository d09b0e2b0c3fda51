/** Chunks that are kept as they come: a body has few, and copying them would gain nothing. */
const FEW = 16;

/** Bytes below which a further chunk is copied behind the one before. */
const SMALL = 1024;

/** Bytes that are copied together. */
const PAGE = 16 * 1024;

/**
 * A body as it comes in. Each chunk is an object of some hundred bytes, so those of a body that comes byte by byte are
 * copied into larger ones: what is held is what has come, and little more.
 */
export class ByteList {
  readonly #whole: Uint8Array[] = [];
  #page: Uint8Array | undefined;
  #used = 0;

  /** Takes the next chunk, which from here on is ours. */
  add(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const small = chunk.length < SMALL && this.#whole.length >= FEW;
    if (!small || this.#used + chunk.length > PAGE) this.#turn();
    if (!small) {
      this.#whole.push(chunk);
      return;
    }
    this.#page ??= new Uint8Array(PAGE);
    this.#page.set(chunk, this.#used);
    this.#used += chunk.length;
  }

  /** All that has come, in order. */
  end(): Uint8Array[] {
    this.#turn();
    return this.#whole;
  }

  #turn(): void {
    if (this.#page && this.#used > 0) this.#whole.push(this.#page.slice(0, this.#used));
    this.#used = 0;
  }
}
