import type { ApiError } from '../errors.ts';

/** The turns and live streams of this process that clients wait for. All must end before it stops. */
export class RunningTurns {
  readonly #running = new Set<(reason: ApiError) => void>();
  #reason: ApiError | undefined;
  #idle = Promise.withResolvers<void>();

  /** Registers a turn, with the function that stops it. Call the returned function when it has ended. */
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

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    if (this.#running.size > 0) await this.#idle.promise;
  }

  /** Stops everything that runs, and everything registered later. */
  stop(reason: ApiError): void {
    this.#reason ??= reason;
    for (const stop of [...this.#running]) stop(this.#reason);
  }
}
