import { type ApiError, toApiError } from '../errors.ts';
import type { Attempt } from './attempt.ts';
import type { OpenServer } from './server.ts';

/** How often a sign of life comes while no server is asked, in milliseconds. */
const ALIVE_MS = 5_000;

/** An attempt that has given its first word. */
export interface Opened<E> {
  attempt: Attempt<E>;
  first: IteratorResult<E>;
}

/** What one waits for comes first: a word, a failure, something else, or that one of the attempts is late. */
export type RaceNews<E, T> =
  | { type: 'opened'; opened: Opened<E> }
  | { type: 'failed'; attempt: Attempt<E>; failure: ApiError }
  | { type: 'late' }
  | { type: 'came'; came: T };

type Pulled<E> = { attempt: Attempt<E> } & ({ step: IteratorResult<E> } | { failure: ApiError });

/** The attempts of one call that are under way, of which the first that gives a word answers it. */
export class Race<E> {
  readonly #isWord: (event: E) => boolean;
  readonly #alive: E;
  /** Each with what is pulled of it. */
  readonly #running = new Map<Attempt<E>, Promise<Pulled<E>> | undefined>();
  #lateness: PromiseWithResolvers<{ type: 'late' }> | undefined;

  /** `alive` is the event of a sign of life. */
  constructor(isWord: (event: E) => boolean, alive: E) {
    this.#isWord = isWord;
    this.#alive = alive;
  }

  /** Whether each that runs is late, so that one more may be asked. */
  get isLate(): boolean {
    return [...this.#running.keys()].every((attempt) => attempt.isLate());
  }

  /** How many run. */
  get size(): number {
    return this.#running.size;
  }

  /** The servers that are asked. */
  servers(): OpenServer[] {
    return [...this.#running.keys()].map(({ server }) => server);
  }

  /** One more is asked, which `late` tells of when it is silent for too long. */
  start(begin: (late: () => void) => Attempt<E>): void {
    this.#running.set(
      begin(() => this.#lateness?.resolve({ type: 'late' })),
      undefined,
    );
  }

  /** Waits for news of the attempts, or for something else if that comes first, with signs of life. */
  async *wait<T>(what?: Promise<T>): AsyncGenerator<E, RaceNews<E, T>> {
    const came = what?.then((value) => ({ type: 'came' as const, came: value }));
    for (;;) {
      this.#lateness = Promise.withResolvers();
      const pulls = [...this.#running.keys()].map((attempt) => this.#pull(attempt));
      const first = await (pulls.length === 0 && came
        ? withSignsOfLife(came)
        : Promise.race([...(came ? [came] : []), ...pulls, this.#lateness.promise]));
      if (first && 'type' in first) return first;
      if (first) {
        const { attempt } = first;
        this.#running.set(attempt, undefined);
        if ('failure' in first) {
          this.#running.delete(attempt);
          return { type: 'failed', attempt, failure: first.failure };
        }
        const { step } = first;
        if (step.done || this.#isWord(step.value)) {
          this.#running.delete(attempt);
          return { type: 'opened', opened: { attempt, first: step } };
        }
      }
      yield this.#alive;
    }
  }

  /** Ends those that run, since another has answered, or nobody waits. */
  end(isBeaten: boolean): void {
    for (const attempt of this.#running.keys()) attempt.drop(isBeaten);
    this.#running.clear();
  }

  #pull(attempt: Attempt<E>): Promise<Pulled<E>> {
    const pull =
      this.#running.get(attempt) ??
      attempt.next().then(
        (step) => ({ attempt, step }),
        (error: unknown) => ({ attempt, failure: toApiError(error) }),
      );
    this.#running.set(attempt, pull);
    return pull;
  }
}

/** Something that is waited for; undefined when it is time for a sign of life. */
async function withSignsOfLife<T>(what: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ALIVE_MS);
  });
  return Promise.race([what, late]).finally(() => clearTimeout(timer));
}
