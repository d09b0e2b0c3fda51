/** Notifies readers of a log of new events, within the process that writes it. */
export class LogNotifier {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Wakes all that wait for this response. */
  notify(id: string): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    for (const resolve of waiting ?? []) resolve();
  }

  /**
   * Waits for the next notification, for at most `maxMs`, or until the signal aborts. A notification between this call and
   * its `await` is not lost.
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
      signal.removeEventListener('abort', onAbort); // readers live long and wait often: listeners would pile up
      waiting.delete(resolve);
      if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
    });
  }
}
