import { ApiError } from './errors.ts';
import { fixedLimits } from './limits.ts';

/**
 * One budget of bytes for all that the process holds for its callers at a time: bodies, histories, replies that wait to be
 * read, messages. Taking is an addition: whoever finds no room is refused, and nobody waits.
 */
export class MemoryBudget {
  /** The most that may be taken, in bytes. */
  readonly limit: number;
  /** The part of it that bodies may take while they come in: slow ones leave room for requests that are whole. */
  readonly arriving: MemoryBudget;
  readonly #whole: MemoryBudget | undefined;
  #taken = 0;

  /** One of `limit` bytes, which may be a part of another. */
  constructor(limit: number, whole?: MemoryBudget) {
    this.limit = limit;
    this.#whole = whole;
    this.arriving = whole ? this : new MemoryBudget(limit * fixedLimits.arriving, this);
  }

  /** What is taken now, in bytes. */
  get taken(): number {
    return this.#taken;
  }

  /** What may still be taken, in bytes. */
  get free(): number {
    return Math.max(0, this.limit - this.#taken);
  }

  /** Takes bytes; false, with none taken, where there is no room for them. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.limit || this.#whole?.take(bytes) === false) return false;
    this.#taken += bytes;
    return true;
  }

  /** Takes bytes that are held already, room or not: others are refused until they are given back. */
  add(bytes: number): void {
    this.#whole?.add(bytes);
    this.#taken += bytes;
  }

  /** Gives back what was taken. */
  giveBack(bytes: number): void {
    this.#whole?.giveBack(bytes);
    this.#taken -= bytes;
  }

  /** What one request, reply or connection takes, to be closed when it has ended. */
  open(): Reservation {
    return new Reservation(this);
  }
}

/** What one request, reply or connection has taken of a MemoryBudget; all of it is given back by `close`. */
export class Reservation {
  readonly budget: MemoryBudget;
  #held = 0;
  #closed = false;

  constructor(budget: MemoryBudget) {
    this.budget = budget;
  }

  /** How many bytes of JSON there is room for once they are parsed. */
  get parsable(): number {
    return Math.floor(this.budget.free / fixedLimits.parsed);
  }

  /** Takes bytes; throws an ApiError, `overloaded`, where there is no room for them. */
  take(bytes: number): void {
    if (this.#closed) return;
    if (!this.budget.take(bytes)) throw overloaded();
    this.#held += bytes;
  }

  /** Takes what so many bytes of JSON come to once they are parsed; throws an ApiError, `overloaded`. */
  takeParsed(bytes: number): void {
    this.take(fixedLimits.parsed * bytes);
  }

  /** Takes bytes that are held already, room or not. */
  add(bytes: number): void {
    if (this.#closed) return;
    this.budget.add(bytes);
    this.#held += bytes;
  }

  /** Gives back a part of what was taken. */
  giveBack(bytes: number): void {
    if (this.#closed) return;
    this.budget.giveBack(bytes);
    this.#held -= bytes;
  }

  /** Gives back all that is left, and takes nothing any more. */
  close(): void {
    this.budget.giveBack(this.#held);
    this.#held = 0;
    this.#closed = true;
  }
}

/** Whether so many bytes of JSON could not be parsed even if nothing else were held. */
export function neverFits({ limit }: MemoryBudget, bytes: number): boolean {
  return fixedLimits.parsed * bytes > limit;
}

/** Seconds until a refused caller is to try again: most requests end within them. */
const RETRY_AFTER_SECONDS = '1';

/** The process holds as much as it may; a little later there may be room. */
export function overloaded(): ApiError {
  const message = 'The server holds as many requests as it can; try again in a moment.';
  return new ApiError('overloaded', message, { headers: { 'retry-after': RETRY_AFTER_SECONDS } });
}
