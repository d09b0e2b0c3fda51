/** The events of a source, whose first may be waited for before anybody reads them. */
export class Opening<T> implements AsyncIterable<T>, AsyncIterator<T, void> {
  readonly #events: AsyncIterator<T, void>;
  #first: Promise<IteratorResult<T, void>> | undefined;

  /** Asks the source for nothing yet. */
  constructor(source: AsyncIterable<T>) {
    this.#events = source[Symbol.asyncIterator]();
  }

  /** Asks for the first event; resolves once it is there or `until` has settled, or with the error that came before. */
  async failure(until: Promise<unknown>): Promise<unknown> {
    const first = this.#events.next();
    this.#first = first;
    const failure = first.then(
      () => undefined,
      (error: unknown) => error,
    );
    return Promise.race([failure, until.then(() => undefined)]);
  }

  next(): Promise<IteratorResult<T, void>> {
    const first = this.#first ?? this.#events.next();
    this.#first = undefined;
    return first;
  }

  async return(): Promise<IteratorResult<T, void>> {
    await this.#events.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
