import type { Backend } from '../backend/backend.ts';
import { Remembered } from '../remembered.ts';

/** The contexts of a backend's models that nobody has configured: as its server tells them, or has named where one was exceeded. */
export class ModelContexts {
  readonly #backend: Backend;
  readonly #known = new Remembered<Promise<number | undefined>>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The context of a model in tokens; undefined where its server does not tell within `timeout` milliseconds. */
  of(model: string, timeout: number): Promise<number | undefined> {
    const known = this.#known.get(model);
    if (known) return known;
    const told = this.#backend.context?.(model, AbortSignal.timeout(timeout)) ?? Promise.resolve(undefined);
    const context = told.catch(() => undefined);
    this.#known.set(model, context);
    return context;
  }

  /** Takes in the limit that a server has named. */
  learn(model: string, context: number): void {
    this.#known.set(model, Promise.resolve(context));
  }
}
