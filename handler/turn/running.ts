import type { ApiError } from '../errors.ts';

/** What this process makes, or reads live, for clients that wait for it: all that has to end before the process can. */
export class RunningTurns {
  readonly #running = new Set<(reason: ApiError) => void>();
  #reason: ApiError | undefined;
  #idle = Promise.withResolvers<void>();

  /** Enters a turn that `stop` ends; the function that it gives is to be called when the turn has ended. */
  enter(stop: (reason: ApiError) => void): () => void {
    this.#running.add(stop);
    if (this.#reason) stop(this.#reason);
    return () => {
      if (this.#running.delete(stop) && this.#running.size === 0) {
        this.#idle.resolve();
        this.#idle = Promise.withResolvers();
      }
    };
  }

  get size(): number {
    return this.#running.size;
  }

  /** Resolves when none runs. */
  async idle(): Promise<void> {
    if (this.#running.size > 0) await this.#idle.promise;
  }

  /** Ends all that run with a reason, and whatever is entered later as well. */
  stop(reason: ApiError): void {
    this.#reason ??= reason;
    for (const stop of [...this.#running]) stop(this.#reason);
  }
}
