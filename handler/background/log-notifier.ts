/** Notifies readers of a background response's log, in the process that writes it, of new events. */
export class LogNotifier {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Resolves the `next` of all who wait for this response. */
  notify(id: string): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    for (const resolve of waiting ?? []) resolve();
  }

  /**
   * Waits to be woken, for at most so many milliseconds, and no longer than until the signal aborts. What is woken between
   * this call and the waiting for it counts as well.
   */
  next(id: string, maxMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(resolve));
    const timer = setTimeout(resolve, maxMs);
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort); // a reader stays for long, and waits often
      waiting.delete(resolve);
      if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
    });
  }
}
