import { DEFAULT_TENANT } from './caller.ts';
import { ApiError } from './errors.ts';

/** Limits on what is had at a time. Default: none for a tenant, for a caller that of all. */
export interface PlaceLimits {
  readonly caller?: number | undefined;
  readonly tenant?: number | undefined;
}

/** Who has something. */
export interface Claimant {
  readonly id: string;
  /** Default: `default`. */
  readonly tenant?: string | undefined;
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

/** What a caller and its tenant have a number of at a time. */
export type Places = 'turns' | 'backgroundTurns' | 'sockets';

/** A count per caller and per tenant. */
export class PlaceCount {
  readonly #what: Places;
  readonly #callers: CallerCount;
  readonly #tenants = new CallerCount();

  /** `max` is for each caller. Default: no limit. */
  constructor(what: Places, max?: number) {
    this.#what = what;
    this.#callers = new CallerCount(max);
  }

  /** Changes the limit; who has more keeps what it has. */
  setMax(max?: number): void {
    this.#callers.setMax(max);
  }

  /** How many a caller has, and how many its tenant. */
  countOf({ id, tenant = DEFAULT_TENANT }: Claimant): { caller: number; tenant: number } {
    return { caller: this.#callers.countOf(keyOf(id, tenant)), tenant: this.#tenants.countOf(tenant) };
  }

  /** Throws an ApiError, `caller_limit`, for a caller or a tenant who has as many as it may have; `max` of a caller is in place of that of all. */
  check({ id, tenant = DEFAULT_TENANT }: Claimant, max: PlaceLimits = {}): void {
    if (this.#callers.isFull(keyOf(id, tenant), max.caller)) throw placeLimit('caller', this.#what);
    if (this.#tenants.isFull(tenant, max.tenant)) throw placeLimit('tenant', this.#what);
  }

  /** Counts one more. Call the returned function once when it is gone. */
  hold({ id, tenant = DEFAULT_TENANT }: Claimant): () => void {
    const leaveCaller = this.#callers.hold(keyOf(id, tenant));
    const leaveTenant = this.#tenants.hold(tenant);
    return () => {
      leaveCaller();
      leaveTenant();
    };
  }
}

/** Callers of different tenants may have the same id. */
function keyOf(id: string, tenant: string): string {
  return `${tenant}\0${id}`;
}

/** The error of a caller, or a tenant, that has as much under way as it may have. */
export function placeLimit(whose: 'caller' | 'tenant', what: Places): ApiError {
  const message =
    whose === 'caller'
      ? 'You have reached the number of requests that one caller may have here at a time (`limits.perCaller` in the configuration, `perUser` of your tenant, or of your key); try again when one has ended.'
      : 'Your tenant has reached the number of requests that it may have here at a time (`limits` of it in `tenants` of the configuration); try again when one has ended.';
  return new ApiError('caller_limit', message, { headers: { 'retry-after': '1' }, limit: `${whose}.${what}` });
}
