/** Chunks that are kept as they come: a body has few, and copying them would gain nothing. */
const MAX_WHOLE_CHUNKS = 16;

/** Bytes below which a further chunk is copied behind the one before. */
const MIN_WHOLE_BYTES = 1024;

/** Bytes that are copied together. */
const PAGE_SIZE = 16 * 1024;

/**
 * A body as it comes in. Each chunk is an object of some hundred bytes, so those of a body that comes byte by byte are
 * copied into larger ones: what is held is what has come, and little more.
 */
export class ByteList {
  readonly #whole: Uint8Array[] = [];
  #page: Uint8Array | undefined;
  #pageLength = 0;

  /** Takes the next chunk, which from here on is ours. */
  add(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    const small = chunk.length < MIN_WHOLE_BYTES && this.#whole.length >= MAX_WHOLE_CHUNKS;
    if (!small || this.#pageLength + chunk.length > PAGE_SIZE) this.#turn();
    if (!small) {
      this.#whole.push(chunk);
      return;
    }
    this.#page ??= new Uint8Array(PAGE_SIZE);
    this.#page.set(chunk, this.#pageLength);
    this.#pageLength += chunk.length;
  }

  /** All that has come, in order. */
  end(): Uint8Array[] {
    this.#turn();
    return this.#whole;
  }

  #turn(): void {
    if (this.#page && this.#pageLength > 0) this.#whole.push(this.#page.slice(0, this.#pageLength));
    this.#pageLength = 0;
  }
}
