import type { Backend } from '../backend/backend.ts';

/** How long a context is remembered, in milliseconds: the server may be started again with another. */
const REMEMBERED_MS = 3_600_000;

/** The most models of a backend whose contexts are remembered: names come from clients. */
const MAX_MODELS = 1_000;

/** The contexts of a backend's models that nobody has configured: as its server tells them, or has named where one was exceeded. */
export class ModelContexts {
  readonly #backend: Backend;
  readonly #known = new Map<string, { context: Promise<number | undefined>; until: number }>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The context of a model in tokens; undefined where its server does not tell within `timeout` milliseconds. */
  of(model: string, timeout: number): Promise<number | undefined> {
    const known = this.#known.get(model);
    if (known && known.until > performance.now()) return known.context;
    const told = this.#backend.context?.(model, AbortSignal.timeout(timeout)) ?? Promise.resolve(undefined);
    const context = told.catch(() => undefined);
    this.#remember(model, context);
    return context;
  }

  /** Takes in the limit that a server has named. */
  learn(model: string, context: number): void {
    this.#remember(model, Promise.resolve(context));
  }

  #remember(model: string, context: Promise<number | undefined>): void {
    this.#known.delete(model);
    this.#known.set(model, { context, until: performance.now() + REMEMBERED_MS });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_MODELS && oldest !== undefined) this.#known.delete(oldest);
  }
}
