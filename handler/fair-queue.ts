import { ApiError, whyAborted } from './errors.ts';
import { overloaded } from './memory-budget.ts';

/** What a FairQueue admits. */
export interface QueueLimits {
  /** Places that can be held at a time. */
  places: number;
  /** Those who may wait for one. */
  waiting: number;
  /** Places that one caller may hold and wait for; any number unless given. */
  perCaller?: number | undefined;
}

interface Waiter {
  admit(): void;
  refuse(error: unknown): void;
}

interface Share {
  held: number;
  waiting: Waiter[];
}

/**
 * Places that callers share. One caller alone may hold all of them; when several wait, the one who holds the fewest is next,
 * and among those the one who has waited longest: so a new caller waits until one place is free, and no longer.
 */
export class FairQueue {
  readonly #limits: QueueLimits;
  /** By caller, who has waited longest first; those who hold nothing and wait for nothing are not here. */
  readonly #shares = new Map<string, Share>();
  #placesHeld = 0;
  #waiting = 0;
  #closed: ApiError | undefined;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Places that a caller holds and waits for. */
  countOf(caller: string): number {
    const share = this.#shares.get(caller);
    return share ? share.held + share.waiting.length : 0;
  }

  /**
   * A place for a caller: at once where one is free, else a promise of it. What it gives is to be called once to leave the
   * place. Throws or rejects with an ApiError: `caller_limit` past the caller's own limit, `overloaded` where too many wait,
   * the reason of `close`, and `cancelled` when the signal aborts.
   */
  enter(caller: string, signal: AbortSignal): (() => void) | Promise<() => void> {
    if (this.#closed) throw this.#closed;
    if (this.countOf(caller) >= (this.#limits.perCaller ?? Number.POSITIVE_INFINITY)) throw callerLimit();
    const share = this.#shares.get(caller) ?? { held: 0, waiting: [] };
    if (this.#placesHeld < this.#limits.places && this.#waiting === 0) {
      this.#shares.set(caller, share);
      return this.#hold(caller, share);
    }
    if (this.#waiting >= this.#limits.waiting && !this.#makeRoom(share)) throw overloaded();
    this.#shares.set(caller, share);
    return this.#wait(caller, share, signal);
  }

  /** Refuses all who wait, and all who come, with a reason. */
  close(reason: ApiError): void {
    this.#closed = reason;
    for (const share of this.#shares.values()) for (const { refuse } of [...share.waiting]) refuse(reason);
  }

  #hold(caller: string, share: Share): () => void {
    this.#placesHeld++;
    share.held++;
    return () => {
      this.#placesHeld--;
      share.held--;
      this.#putLast(caller, share);
      this.#next();
    };
  }

  async #wait(caller: string, share: Share, signal: AbortSignal): Promise<() => void> {
    const { promise, resolve, reject } = Promise.withResolvers<() => void>();
    const leave = () => refuse(whyAborted(signal));
    const forget = () => {
      share.waiting.splice(share.waiting.indexOf(waiter), 1);
      this.#waiting--;
      signal.removeEventListener('abort', leave);
    };
    const admit = () => {
      forget();
      const leavePlace = this.#hold(caller, share);
      this.#putLast(caller, share);
      resolve(leavePlace);
    };
    const refuse = (error: unknown) => {
      forget();
      this.#tidy(caller, share);
      reject(error);
    };
    const waiter: Waiter = { admit, refuse };
    share.waiting.push(waiter);
    this.#waiting++;
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave);
    return promise;
  }

  #next(): void {
    while (this.#placesHeld < this.#limits.places && this.#waiting > 0) {
      let next: Share | undefined;
      for (const share of this.#shares.values()) {
        if (share.waiting.length > 0 && (!next || share.held < next.held)) next = share;
      }
      next?.waiting[0]?.admit();
    }
  }

  /** Refuses the last of the caller with the most who wait, for one with fewer. */
  #makeRoom(share: Share): boolean {
    let longest = share;
    for (const other of this.#shares.values()) if (other.waiting.length > longest.waiting.length) longest = other;
    if (longest.waiting.length <= share.waiting.length + 1) return false;
    longest.waiting.at(-1)?.refuse(overloaded());
    return true;
  }

  /** Who has just had a place is behind all others who wait; who wants nothing any more is forgotten. */
  #putLast(caller: string, share: Share): void {
    this.#shares.delete(caller);
    if (share.held > 0 || share.waiting.length > 0) this.#shares.set(caller, share);
  }

  #tidy(caller: string, share: Share): void {
    if (share.held === 0 && share.waiting.length === 0) this.#shares.delete(caller);
  }
}

/** How many of something each caller has, where nobody waits for it. */
export class CallerCount {
  readonly #max: number;
  readonly #counts = new Map<string, number>();

  /** Any number unless given. */
  constructor(max = Number.POSITIVE_INFINITY) {
    this.#max = max;
  }

  /** How many a caller has. */
  countOf(caller: string): number {
    return this.#counts.get(caller) ?? 0;
  }

  /** Throws an ApiError, `caller_limit`, for a caller who has as many as one may have. */
  check(caller: string): void {
    if (this.isFull(caller)) throw callerLimit();
  }

  /** Whether a caller has as many as one may have. */
  isFull(caller: string): boolean {
    return this.countOf(caller) >= this.#max;
  }

  /** Counts one more; what it gives is to be called once when it is gone. */
  hold(caller: string): () => void {
    this.#counts.set(caller, (this.#counts.get(caller) ?? 0) + 1);
    return () => {
      const remaining = (this.#counts.get(caller) ?? 0) - 1;
      if (remaining > 0) this.#counts.set(caller, remaining);
      else this.#counts.delete(caller);
    };
  }
}

/** A caller has as much here as one caller may have. */
export function callerLimit(): ApiError {
  const message =
    'You have reached the number of requests that one caller may have here at a time; try again when one has ended.';
  return new ApiError('caller_limit', message, { headers: { 'retry-after': '1' } });
}
