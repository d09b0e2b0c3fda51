import type { Backend, OfferedModel } from '../backend/backend.ts';
import { Remembered } from '../remembered.ts';

/** The models of a server, within `timeout` milliseconds. */
export type ModelList = (timeout: number) => Promise<readonly OfferedModel[]>;

/** The contexts of a backend's models that nobody has configured: as its server tells them, or has named where one was exceeded. */
export class ModelContexts {
  readonly #backend: Backend;
  readonly #list: ModelList;
  readonly #known = new Remembered<Promise<number | undefined>>();

  /** `list` is what its server lists, which is looked at first. */
  constructor(backend: Backend, list: ModelList) {
    this.#backend = backend;
    this.#list = list;
  }

  /** The context of a model in tokens; undefined where its server does not tell within `timeout` milliseconds. */
  of(model: string, timeout: number): Promise<number | undefined> {
    const known = this.#known.get(model);
    if (known) return known;
    const context = this.#ask(model, timeout).catch(() => undefined);
    this.#known.set(model, context);
    return context;
  }

  /** Takes in the limit that a server has named. */
  learn(model: string, context: number): void {
    this.#known.set(model, Promise.resolve(context));
  }

  async #ask(model: string, timeout: number): Promise<number | undefined> {
    const signal = AbortSignal.timeout(timeout);
    const listed = listedAs(await this.#list(timeout), model)?.context;
    return listed ?? this.#backend.context?.(model, signal);
  }
}

/** A model in its server's list; llama.cpp answers to any name with the one model that it has. */
export function listedAs(list: readonly OfferedModel[], model: string): OfferedModel | undefined {
  return list.find(({ id }) => id === model) ?? (list.length === 1 ? list[0] : undefined);
}
