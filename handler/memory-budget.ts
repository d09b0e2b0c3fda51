import { ApiError } from './errors.ts';
import { fixedLimits } from './limits.ts';

/**
 * The memory budget of the process in bytes: bodies, histories, replies not yet read, messages. Taking never waits:
 * without room, the request is refused.
 */
export class MemoryBudget {
  /** The part for bodies that are arriving, so that slow uploads leave room for complete requests. */
  readonly arriving: MemoryBudget;
  /** A cache in what is left: it has to shrink to so many bytes, and refuses nobody anything. */
  spare: { shrinkTo(bytes: number): void } | undefined;
  readonly #whole: MemoryBudget | undefined;
  #limit: number;
  #taken = 0;

  /** A budget of `limit` bytes, which may be a part of another. */
  constructor(limit: number, whole?: MemoryBudget) {
    this.#limit = limit;
    this.#whole = whole;
    this.arriving = whole ? this : new MemoryBudget(limit * fixedLimits.arriving, this);
  }

  /** The limit in bytes. */
  get limit(): number {
    return this.#limit;
  }

  /** Changes the limit. What is taken stays taken; where it is more than the limit, nothing is given until it is less. */
  setLimit(limit: number): void {
    this.#limit = limit;
    if (!this.#whole) this.arriving.setLimit(limit * fixedLimits.arriving);
    this.spare?.shrinkTo(this.free);
  }

  /** Bytes in use. */
  get taken(): number {
    return this.#taken;
  }

  /** Bytes left. */
  get free(): number {
    return Math.max(0, this.#limit - this.#taken);
  }

  /** Takes bytes; false, with none taken, where there is no room for them. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.#limit || this.#whole?.take(bytes) === false) return false;
    this.#taken += bytes;
    this.spare?.shrinkTo(this.free);
    return true;
  }

  /** Takes bytes that are held already, room or not: others are refused until they are given back. */
  add(bytes: number): void {
    this.#whole?.add(bytes);
    this.#taken += bytes;
    this.spare?.shrinkTo(this.free);
  }

  /** Gives back what was taken. */
  giveBack(bytes: number): void {
    this.#whole?.giveBack(bytes);
    this.#taken -= bytes;
  }

  /** Opens a reservation for one request, reply or connection. Close it at the end. */
  open(): Reservation {
    return new Reservation(this);
  }
}

/** What one request, reply or connection has taken of a MemoryBudget; all of it is given back by `close`. */
export class Reservation {
  readonly budget: MemoryBudget;
  #bytes = 0;
  #closed = false;

  constructor(budget: MemoryBudget) {
    this.budget = budget;
  }

  /** The bytes of JSON that could be parsed now. */
  get parsable(): number {
    return Math.floor(this.budget.free / fixedLimits.parsed);
  }

  /** Takes bytes; throws an ApiError, `overloaded`, where there is no room for them. */
  take(bytes: number): void {
    if (this.#closed) return;
    if (!this.budget.take(bytes)) throw overloaded();
    this.#bytes += bytes;
  }

  /** Takes the memory of parsed JSON of this many bytes; throws an ApiError, `overloaded`. */
  takeParsed(bytes: number): void {
    this.take(fixedLimits.parsed * bytes);
  }

  /** Takes bytes that are held already, room or not. */
  add(bytes: number): void {
    if (this.#closed) return;
    this.budget.add(bytes);
    this.#bytes += bytes;
  }

  /** Gives back a part of what was taken. */
  giveBack(bytes: number): void {
    if (this.#closed) return;
    this.budget.giveBack(bytes);
    this.#bytes -= bytes;
  }

  /** Gives back all that is left, and takes nothing any more. */
  close(): void {
    this.budget.giveBack(this.#bytes);
    this.#bytes = 0;
    this.#closed = true;
  }
}

/** Whether JSON of this many bytes could not be parsed even by an idle process. */
export function neverFits({ limit }: MemoryBudget, bytes: number): boolean {
  return fixedLimits.parsed * bytes > limit;
}

/** Seconds until a refused caller is to try again: most requests end within them. */
const RETRY_AFTER_SECONDS = '1';

/** The error of a full budget. */
export function overloaded(): ApiError {
  const message =
    'The server holds as many requests as it can (`limits.inFlight` and `limits.turns` in its configuration); try again in a moment.';
  return new ApiError('overloaded', message, { headers: { 'retry-after': RETRY_AFTER_SECONDS } });
}
