import { DEFAULT_TENANT } from './caller.ts';
import { type Claimant, type PlaceLimits, placeLimit } from './caller-count.ts';
import { type ApiError, whyAborted } from './errors.ts';
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

/** What a caller has: places, and waiters. */
interface Share {
  readonly id: string;
  readonly tenant: TenantShare;
  places: number;
  readonly waiting: Waiter[];
}

/** What the callers of a tenant have together. */
interface TenantShare {
  readonly name: string;
  places: number;
  waiting: number;
  /** The longest waiting first; callers without places and waiters are removed. */
  readonly callers: Map<string, Share>;
}

/**
 * Places shared by tenants, and within a tenant by its callers: so one with a thousand keys has no more than one with a single key. A
 * caller alone may have all places. When several wait, the tenant with the fewest places is next, and of its callers the one with the
 * fewest, and among those the longest waiting: a new tenant waits for one free place at most, and so does a new caller of one that is next.
 */
export class FairQueue {
  #limits: QueueLimits;
  /** The longest waiting first; tenants without places and waiters are removed. */
  readonly #tenants = new Map<string, TenantShare>();
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
  countOf({ id, tenant = DEFAULT_TENANT }: Claimant): number {
    const share = this.#tenants.get(tenant)?.callers.get(id);
    return share ? share.places + share.waiting.length : 0;
  }

  /**
   * A place for a caller: at once if one is free, else a promise. Call the returned function once to leave it. `max` are limits of its
   * own; of a caller in place of that of all. Throws or rejects with an ApiError: `caller_limit` above one of them, `overloaded` if too
   * many wait, the reason of `close`, and `cancelled` when the signal aborts.
   */
  enter(who: Claimant, signal: AbortSignal, max: PlaceLimits = {}): (() => void) | Promise<() => void> {
    if (this.#closed) throw this.#closed;
    const share = this.#shareOf(who);
    const { tenant } = share;
    if (share.places + share.waiting.length >= (max.caller ?? this.#limits.perCaller ?? Number.POSITIVE_INFINITY))
      throw placeLimit('caller', 'turns');
    if (tenant.places + tenant.waiting >= (max.tenant ?? Number.POSITIVE_INFINITY)) throw placeLimit('tenant', 'turns');
    if (this.#placesHeld < this.#limits.places && this.#waiting === 0) return this.#hold(share);
    if (this.#waiting >= this.#limits.waiting && !this.#makeRoom(share)) throw overloaded();
    return this.#wait(share, signal);
  }

  /** Changes the limits. Who holds a place or waits keeps it; places that become free go to those who wait. */
  setLimits(limits: QueueLimits): void {
    this.#limits = limits;
    this.#next();
  }

  /** Refuses all waiters, and all later ones. */
  close(reason: ApiError): void {
    this.#closed = reason;
    for (const { callers } of [...this.#tenants.values()])
      for (const { waiting } of [...callers.values()]) for (const { refuse } of [...waiting]) refuse(reason);
  }

  /** The share of a caller, which is kept once it has a place or waits. */
  #shareOf({ id, tenant: name = DEFAULT_TENANT }: Claimant): Share {
    const tenant = this.#tenants.get(name) ?? { name, places: 0, waiting: 0, callers: new Map() };
    return tenant.callers.get(id) ?? { id, tenant, places: 0, waiting: [] };
  }

  #keep(share: Share): void {
    this.#tenants.set(share.tenant.name, share.tenant);
    share.tenant.callers.set(share.id, share);
  }

  #hold(share: Share): () => void {
    this.#keep(share);
    this.#placesHeld++;
    share.places++;
    share.tenant.places++;
    return () => {
      this.#placesHeld--;
      share.places--;
      share.tenant.places--;
      this.#putLast(share);
      this.#next();
    };
  }

  async #wait(share: Share, signal: AbortSignal): Promise<() => void> {
    this.#keep(share);
    const { promise, resolve, reject } = Promise.withResolvers<() => void>();
    const leave = () => refuse(whyAborted(signal));
    const forget = () => {
      share.waiting.splice(share.waiting.indexOf(waiter), 1);
      share.tenant.waiting--;
      this.#waiting--;
      signal.removeEventListener('abort', leave);
    };
    const admit = () => {
      forget();
      const leavePlace = this.#hold(share);
      this.#putLast(share);
      resolve(leavePlace);
    };
    const refuse = (error: unknown) => {
      forget();
      this.#tidy(share);
      reject(error);
    };
    const waiter: Waiter = { admit, refuse };
    share.waiting.push(waiter);
    share.tenant.waiting++;
    this.#waiting++;
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave);
    return promise;
  }

  #next(): void {
    while (this.#placesHeld < this.#limits.places && this.#waiting > 0) {
      const tenant = fewest(this.#tenants.values(), ({ waiting }) => waiting);
      const share = tenant && fewest(tenant.callers.values(), ({ waiting }) => waiting.length);
      share?.waiting[0]?.admit();
    }
  }

  /** Refuses the last waiter of the tenant with the most, or of the own tenant's caller with the most, if `share` has fewer. */
  #makeRoom(share: Share): boolean {
    let tenant = share.tenant;
    for (const other of this.#tenants.values()) if (other.waiting > tenant.waiting) tenant = other;
    if (tenant.waiting <= share.tenant.waiting + 1) tenant = share.tenant;
    let longest = share;
    for (const other of tenant.callers.values()) if (other.waiting.length > longest.waiting.length) longest = other;
    if (tenant === share.tenant && longest.waiting.length <= share.waiting.length + 1) return false;
    longest.waiting.at(-1)?.refuse(overloaded());
    return true;
  }

  /** Moves a caller who had a place behind all others, and its tenant; who has no places and no waiters is removed. */
  #putLast(share: Share): void {
    const { tenant } = share;
    tenant.callers.delete(share.id);
    this.#tenants.delete(tenant.name);
    if (share.places > 0 || share.waiting.length > 0) tenant.callers.set(share.id, share);
    if (tenant.callers.size > 0) this.#tenants.set(tenant.name, tenant);
  }

  #tidy(share: Share): void {
    const { tenant } = share;
    if (share.places === 0 && share.waiting.length === 0) tenant.callers.delete(share.id);
    if (tenant.callers.size === 0) this.#tenants.delete(tenant.name);
  }
}

/** Of those who wait the one with the fewest places, and of several the first. */
function fewest<T extends { places: number }>(all: Iterable<T>, waitingOf: (one: T) => number): T | undefined {
  let next: T | undefined;
  for (const one of all) if (waitingOf(one) > 0 && (!next || one.places < next.places)) next = one;
  return next;
}
