import { ApiError, whyAborted } from './errors.ts';
import { overloaded } from './memory-budget.ts';

/** The limits of a FairQueue. */
export interface QueueLimits {
  /** Places in all. */
  places: number;
  /** The most waiters. */
  waiting: number;
  /** The most places one caller may hold and wait for. Default: no limit. */
  perCaller?: number | undefined;
}

interface Waiter {
  admit(): void;
  refuse(error: unknown): void;
}

interface Share {
  places: number;
  waiting: Waiter[];
}

/**
 * Places shared by callers. A caller alone may have all places. When several wait, the one with the fewest places is
 * next, and among those the longest waiting: a new caller waits for one free place at most.
 */
export class FairQueue {
  #limits: QueueLimits;
  /** Shares by caller, the longest waiting first; callers without places and waiters are removed. */
  readonly #shares = new Map<string, Share>();
  #placesHeld = 0;
  #waiting = 0;
  #closed: ApiError | undefined;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Places that are held, and callers' requests that wait for one. */
  get counts(): { running: number; waiting: number } {
    return { running: this.#placesHeld, waiting: this.#waiting };
  }

  /** Places that a caller holds and waits for. */
  countOf(caller: string): number {
    const share = this.#shares.get(caller);
    return share ? share.places + share.waiting.length : 0;
  }

  /**
   * A place for a caller: at once if one is free, else a promise. Call the returned function once to leave it. `max` is
   * the caller's own limit; default: that of all. Throws or rejects with an ApiError: `caller_limit` above the caller's limit, `overloaded` if too many wait, the reason
   * of `close`, and `cancelled` when the signal aborts.
   */
  enter(
    caller: string,
    signal: AbortSignal,
    max = this.#limits.perCaller ?? Number.POSITIVE_INFINITY,
  ): (() => void) | Promise<() => void> {
    if (this.#closed) throw this.#closed;
    if (this.countOf(caller) >= max) throw callerLimit();
    const share = this.#shares.get(caller) ?? { places: 0, waiting: [] };
    if (this.#placesHeld < this.#limits.places && this.#waiting === 0) {
      this.#shares.set(caller, share);
      return this.#hold(caller, share);
    }
    if (this.#waiting >= this.#limits.waiting && !this.#makeRoom(share)) throw overloaded();
    this.#shares.set(caller, share);
    return this.#wait(caller, share, signal);
  }

  /** Changes the limits. Who holds a place or waits keeps it; places that become free go to those who wait. */
  setLimits(limits: QueueLimits): void {
    this.#limits = limits;
    this.#next();
  }

  /** Refuses all waiters, and all later ones. */
  close(reason: ApiError): void {
    this.#closed = reason;
    for (const share of this.#shares.values()) for (const { refuse } of [...share.waiting]) refuse(reason);
  }

  #hold(caller: string, share: Share): () => void {
    this.#placesHeld++;
    share.places++;
    return () => {
      this.#placesHeld--;
      share.places--;
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
        if (share.waiting.length > 0 && (!next || share.places < next.places)) next = share;
      }
      next?.waiting[0]?.admit();
    }
  }

  /** Refuses the last waiter of the caller with the most, if `share` has fewer. */
  #makeRoom(share: Share): boolean {
    let longest = share;
    for (const other of this.#shares.values()) if (other.waiting.length > longest.waiting.length) longest = other;
    if (longest.waiting.length <= share.waiting.length + 1) return false;
    longest.waiting.at(-1)?.refuse(overloaded());
    return true;
  }

  /** Moves a caller who had a place behind all others; one with no places and no waiters is removed. */
  #putLast(caller: string, share: Share): void {
    this.#shares.delete(caller);
    if (share.places > 0 || share.waiting.length > 0) this.#shares.set(caller, share);
  }

  #tidy(caller: string, share: Share): void {
    if (share.places === 0 && share.waiting.length === 0) this.#shares.delete(caller);
  }
}

/** A count per caller, with a limit and no waiting. */
export class CallerCount {
  #max: number;
  readonly #counts = new Map<string, number>();

  /** Default: no limit. */
  constructor(max = Number.POSITIVE_INFINITY) {
    this.#max = max;
  }

  /** Changes the limit; who has more keeps what it has. */
  setMax(max = Number.POSITIVE_INFINITY): void {
    this.#max = max;
  }

  /** How many a caller has. */
  countOf(caller: string): number {
    return this.#counts.get(caller) ?? 0;
  }

  /** Throws an ApiError, `caller_limit`, for a caller who has as many as one may have, or as its own `max` allows. */
  check(caller: string, max?: number): void {
    if (this.isFull(caller, max)) throw callerLimit();
  }

  /** Whether a caller has as many as one may have, or as its own `max` allows. */
  isFull(caller: string, max = this.#max): boolean {
    return this.countOf(caller) >= max;
  }

  /** Counts one more. Call the returned function once when it is gone. */
  hold(caller: string): () => void {
    this.#counts.set(caller, (this.#counts.get(caller) ?? 0) + 1);
    return () => {
      const remaining = (this.#counts.get(caller) ?? 0) - 1;
      if (remaining > 0) this.#counts.set(caller, remaining);
      else this.#counts.delete(caller);
    };
  }
}

/** The error of a caller at its limit. */
export function callerLimit(): ApiError {
  const message =
    'You have reached the number of requests that one caller may have here at a time (`limits.perCaller` in the configuration, or of your key); try again when one has ended.';
  return new ApiError('caller_limit', message, { headers: { 'retry-after': '1' } });
}
