/** The first chunks are never copied: most bodies have few. */
const MAX_WHOLE_CHUNKS = 16;

/** Later chunks below this size are copied into pages. */
const MIN_WHOLE_BYTES = 1024;

/** The size of a page. */
const PAGE_SIZE = 16 * 1024;

/**
 * A body as it arrives. Each chunk is an object of some hundred bytes, so small ones are copied into pages: memory
 * stays close to the bytes received.
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

/** Chunks as one array of `size` bytes. */
export function join(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = chunks;
  if (only && chunks.length === 1) return only;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
