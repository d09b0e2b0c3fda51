import type { Reserved, WindowReservation } from '../state/allowances.ts';
import type { Allowance } from './allowance.ts';

/** The part of a limit that a process has ahead, at most: so many writes serve all of it, and so much is lost with a process that dies. */
const AHEAD = 1 / 16;

/** How long a reservation lasts, in milliseconds; what is not renewed by then is free for others. */
export const RESERVATION_MS = 6_000;

/** How long a process takes the database's word that there is nothing left, in milliseconds. */
const EMPTY_MS = 1_000;

/** What a process knows of an allowance, in the window that is now: what it has reserved, and what has become of that. */
export class Account {
  /** By the newest configuration. */
  allowance: Allowance;
  /** The renewal that is under way, where renewals are shared. */
  renewal: Promise<void> | undefined;
  /** When its window began, and until when what it has is its own, in milliseconds since 1970. */
  #starts = 0;
  #until = 0;
  /** What it has, what was used of that since the database was told, and what running turns are estimated to take. */
  #reserved = 0;
  #used = 0;
  #held = 0;
  /** What waits for the database. */
  #needed = 0;
  /** What it got ahead, the last time. */
  #ahead = 0;
  /** What all have used, and others have reserved, as the database said last. */
  #ofAll = 0;
  /** Until when there is nothing more to be had. */
  #emptyUntil = 0;
  /** Renewals that were sent, and the last one that was answered. */
  #sent = 0;
  #answered = 0;

  constructor(allowance: Allowance) {
    this.allowance = allowance;
  }

  /** When the window ends, in milliseconds since 1970. */
  get ends(): number {
    return this.#starts + this.allowance.window;
  }

  /** What is left of the limit, as far as this process knows. */
  get remaining(): number {
    return Math.max(0, Math.floor(this.allowance.limit - this.#ofAll - this.#used - this.#held));
  }

  /** Moves on to the window that is now. What was used in one that is over is of no interest to anybody. */
  roll(now: number): void {
    const starts = now - (now % this.allowance.window);
    if (starts === this.#starts) return;
    this.#starts = starts;
    this.#until = 0;
    this.#reserved = 0;
    this.#used = 0;
    this.#ahead = 0;
    this.#ofAll = 0;
    this.#emptyUntil = 0;
  }

  /** Whether so much may be taken without asking. */
  has(amount: number, now: number): boolean {
    this.roll(now);
    return now < this.#until && this.#left >= amount;
  }

  /** Whether it is known that so much is not to be had now. */
  lacks(amount: number, now: number): boolean {
    return amount > this.allowance.limit || (now < this.#emptyUntil && !this.has(amount, now));
  }

  /** Whether it is time to renew, so that nobody has to wait for that. */
  runsLow(now: number): boolean {
    return this.#ahead > 0 && this.#left < this.#ahead / 4 && now >= this.#emptyUntil;
  }

  /** Whether the database has to be told of use, or that what is held goes on. */
  isDue(now: number, within: number): boolean {
    this.roll(now);
    return this.#used !== 0 || (this.#held > 0 && this.#until - now < within);
  }

  /** Whether nothing would be lost with it. */
  isIdle(now: number): boolean {
    this.roll(now);
    return this.#used === 0 && this.#held === 0 && this.#needed === 0 && now >= this.#until;
  }

  /** Takes an amount until `release`. */
  hold(amount: number): void {
    this.#held += amount;
  }

  /** Gives back what was held, and counts what was used in its place, in the window that is now. */
  release(held: number, used: number, now: number): void {
    this.roll(now);
    this.#held -= held;
    this.#used += used;
  }

  /** Waits with an amount for the next renewals, until it is given up with the same number below zero. */
  need(amount: number): void {
    this.#needed += amount;
  }

  /** What the database is to be told and asked; call `renewed` or `failed` with the number that comes with it. */
  renew(now: number, isLast: boolean): { sent: number; reservation: WindowReservation } {
    this.roll(now);
    const { tenant, name, limit } = this.allowance;
    const used = this.#used;
    const ahead = isLast ? 0 : Math.floor(limit * AHEAD);
    const needed = isLast ? 0 : Math.ceil(Math.max(0, this.#held + this.#needed));
    const reservation = { tenant, name, starts: this.#starts, ends: this.ends, limit, used, needed, ahead };
    // Told from now on, whatever is used meanwhile.
    this.#used = 0;
    this.#reserved -= used;
    this.#ofAll += used;
    return { sent: ++this.#sent, reservation };
  }

  /** Takes in what the database has answered. */
  renewed({ sent, reservation }: Renewal, { amount, used, others }: Reserved, until: number, now: number): void {
    if (reservation.starts !== this.#starts || sent < this.#answered) return;
    this.#answered = sent;
    this.#reserved = amount;
    this.#until = until;
    this.#ofAll = used + others;
    this.#ahead = amount - reservation.needed;
    this.#emptyUntil = amount < reservation.needed ? now + EMPTY_MS : 0;
  }

  /** Takes in that the database has not answered: what it was told it may not know. */
  failed({ reservation }: Renewal): void {
    if (reservation.starts !== this.#starts) return;
    this.#used += reservation.used;
    this.#reserved += reservation.used;
    this.#ofAll -= reservation.used;
  }

  get #left(): number {
    return this.#reserved - this.#used - this.#held;
  }
}

/** A renewal that was sent. */
export type Renewal = ReturnType<Account['renew']>;
