import type { PlaceRequest } from '../state/places.ts';

/** The part of a limit that a process has ahead, at most. */
const AHEAD = 1 / 16;

/** How long a process takes the database's word that no place is left, in milliseconds. */
const FULL_MS = 250;

/** How often the database is told at least, in milliseconds: it forgets what nobody has told it of for a day. */
const TELL_MS = 6 * 3_600_000;

/** The places of one counter that this process has, out of those that all processes have together. */
export class PlaceAccount {
  readonly tenant: string;
  readonly name: string;
  /** The request for more, or the return of some, that is under way. */
  renewal: Promise<void> | undefined;
  /** What this process has, and what the database may have down for it: never less. */
  #held = 0;
  #written = 0;
  /** The limit by which it was got. */
  #limit = 0;
  /** What is taken, the most that was since `rest`, and what waits for more. */
  #used = 0;
  #peak = 0;
  #waiting = 0;
  #fullUntil = 0;
  /** When the database was told last. */
  #told = 0;

  constructor(tenant: string, name: string) {
    this.tenant = tenant;
    this.name = name;
  }

  /** How many are taken here. */
  get used(): number {
    return this.#used;
  }

  /** Whether one may be taken without asking, by a limit that is not below the one by which it was got. */
  has(limit: number): boolean {
    return this.#used < this.#held && limit >= this.#limit;
  }

  /** Whether it is known that there is none for a limit, by `performance.now()`. */
  isFull(limit: number, now: number): boolean {
    return this.#used >= limit || (now < this.#fullUntil && this.#used >= this.#held);
  }

  take(): void {
    this.#used++;
    this.#peak = Math.max(this.#peak, this.#used);
  }

  giveBack(): void {
    this.#used--;
  }

  /** Waits for places, so many more or less than before. */
  wait(places: number): void {
    this.#waiting += places;
  }

  /** What to ask for; nothing above that is taken until `granted` or `unanswered`. */
  ask(limit: number): PlaceRequest {
    const { tenant, name } = this;
    const needed = this.#used + this.#waiting;
    const ahead = Math.floor(limit * AHEAD);
    this.#limit = limit;
    this.#held = Math.min(this.#held, needed);
    this.#written = Math.max(this.#written, needed + ahead);
    return { tenant, name, limit, used: this.#used, needed, ahead };
  }

  /** Takes in what the database has answered, by `performance.now()`. */
  granted(amount: number, { needed }: PlaceRequest, now: number): void {
    this.#held = amount;
    this.#written = amount;
    this.#told = now;
    this.#fullUntil = amount < needed ? now + FULL_MS : 0;
  }

  /** What was not taken since the last call goes back: how many stay, or undefined where the database knows that. */
  rest(now: number): number | undefined {
    this.#held = Math.min(this.#held, Math.max(this.#used, this.#peak));
    this.#peak = this.#used;
    return this.#held === this.#written && now - this.#told < TELL_MS ? undefined : this.#held;
  }

  /** The database has no more down for this process than stays. */
  rested(kept: number, now: number): void {
    this.#written = kept;
    this.#told = now;
  }

  /** Whether nothing would be lost with it. */
  get isIdle(): boolean {
    return this.#used + this.#waiting + this.#written === 0 && !this.renewal;
  }
}
