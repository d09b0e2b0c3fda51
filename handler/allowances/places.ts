import { DEFAULT_TENANT } from '../caller.ts';
import { type Claimant, type PlaceLimits, placeLimit } from '../caller-count.ts';
import { newId } from '../ids.ts';
import { describe, log } from '../log.ts';
import { leaveBackgroundPlace, takeBackgroundPlace } from '../state/background-places.ts';
import type { Database } from '../state/database/database.ts';
import { forgetDead, keepPlaces, type LivingProcess, leavePlaces, reservePlaces, signAfter } from '../state/places.ts';
import { PlaceAccount } from './place-account.ts';
import type { SharedPlaces } from './port.ts';
import { unreadable } from './refusal.ts';

/** How often unused places are looked for, in milliseconds: what was not used from one look to the next goes back. */
const LOOK_MS = 500;

/** How long a process that gives no sign of life keeps its places, in milliseconds, and how often one does. */
const [DEAD_MS, SIGN_MS] = [10_000, 3_000];

/** Accounts of one batch. */
const BATCH_SIZE = 50;

/** What is held by the process that has it. Background turns are not: they are in the database, and any process may make them. */
type Held = Parameters<SharedPlaces['take']>[1];

/** One place of an account, by the limit that holds for whoever takes it. */
interface PlaceClaim {
  readonly account: PlaceAccount;
  readonly scope: 'caller' | 'tenant';
  readonly limit: number;
}

/**
 * The places that this process has, out of those of all processes on a database. It takes some ahead, keeps what it uses again
 * and again, and gives back what it does not use: so most turns ask nobody, and there are never more taken than the limit.
 */
export class PlaceLedger implements SharedPlaces {
  readonly #database: Database;
  /** Without timers: there nothing gives back what a process holds, and only background turns are counted. */
  readonly #alone: boolean;
  readonly #owner = newId('own');
  readonly #accounts = new Map<string, PlaceAccount>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isClosed = false;
  /** The last sign of life, when it was asked to be written, and when the last one was that came through, by `performance.now()`. */
  #sign = 0;
  #signed = Number.NEGATIVE_INFINITY;
  #alive = Number.NEGATIVE_INFINITY;
  /** When somebody was refused last: until all who have died are known, others are looked at. */
  #refused = Number.NEGATIVE_INFINITY;
  /** Other processes, and for how long each has given the same sign, as far as this one has looked. */
  #watched = new Map<string, { sign: number; at: number; silent: number }>();

  /** `alone`: each request does its own work, and nothing is done between requests. */
  constructor(database: Database, alone = false) {
    this.#database = database;
    this.#alone = alone;
  }

  take(who: Claimant, what: Held, max: PlaceLimits): (() => void) | Promise<() => void> | undefined {
    if (this.#alone || !isLimited(max)) return undefined;
    const claims = this.#claimsOf(who, what, max);
    if (!this.#isAlive() || !claims.every(({ account, limit }) => account.has(limit))) return this.#ask(claims, what);
    return hold(claims);
  }

  async takeBackground(
    { id: caller, tenant = DEFAULT_TENANT }: Claimant,
    turn: { partition: string; id: string },
    max: PlaceLimits,
  ): Promise<(() => Promise<void>) | undefined> {
    if (!isLimited(max)) return undefined;
    const place = { ...turn, tenant, caller, max };
    const full = await takeBackgroundPlace(this.#database, place).catch((error) => {
      throw unreadable(error);
    });
    if (full) throw placeLimit(full, 'backgroundTurns');
    return () => leaveBackgroundPlace(this.#database, place).catch(() => {}); // its time gives it back
  }

  /** Gives all places back. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    const accounts = [...this.#accounts.values()];
    await Promise.all(accounts.map(({ renewal }) => renewal)).catch(() => {});
    if (this.#sign === 0) return;
    await leavePlaces(this.#database, this.#owner, accounts).catch((error) =>
      log.warn('places could not be given back, and others have them soon', { error: describe(error) }),
    );
  }

  #claimsOf({ id, tenant = DEFAULT_TENANT }: Claimant, what: Held, max: PlaceLimits): PlaceClaim[] {
    const claims: PlaceClaim[] = [];
    const add = (scope: 'caller' | 'tenant', limit: number | undefined, of: string) => {
      if (limit !== undefined)
        claims.push({ scope, limit, account: this.#accountOf(tenant, `${scope} ${what} ${of}`) });
    };
    add('caller', max.caller, id);
    add('tenant', max.tenant, '');
    return claims;
  }

  #accountOf(tenant: string, name: string): PlaceAccount {
    const key = `${tenant}\0${name}`;
    const account = this.#accounts.get(key) ?? new PlaceAccount(tenant, name);
    this.#accounts.set(key, account);
    if (!this.#isClosed) this.#timer ??= setInterval(() => void this.#look(), LOOK_MS);
    return account;
  }

  /** Whether no other process can have taken this one for dead. */
  #isAlive(): boolean {
    return performance.now() - this.#alive < DEAD_MS;
  }

  async #ask(claims: readonly PlaceClaim[], what: Held): Promise<() => void> {
    for (const { account } of claims) account.wait(1);
    try {
      for (;;) {
        const now = performance.now();
        const missing = claims.filter(({ account, limit }) => !this.#isAlive() || !account.has(limit));
        if (missing.length === 0) return hold(claims);
        const full = missing.find(({ account, limit }) => account.isFull(limit, now));
        if (full) {
          this.#refused = now;
          throw placeLimit(full.scope, what);
        }
        const idle = missing.filter(({ account }) => !account.renewal);
        if (idle.length > 0) renewing(idle, this.#reserve(idle));
        await Promise.all(missing.map(({ account }) => account.renewal));
      }
    } finally {
      for (const { account } of claims) account.wait(-1);
    }
  }

  async #reserve(claims: readonly PlaceClaim[]): Promise<void> {
    // In one order, so that no two processes wait for each other.
    const sorted = claims.toSorted((a, b) => (a.account.name < b.account.name ? -1 : 1));
    const requests = sorted.map(({ account, limit }) => account.ask(limit));
    const { amounts, others } = await this.#telling((sign) =>
      reservePlaces(this.#database, { owner: this.#owner, sign }, requests),
    ).catch((error) => {
      throw unreadable(error);
    });
    const now = performance.now();
    for (const [at, { account }] of sorted.entries()) {
      const [amount, request] = [amounts[at], requests[at]];
      if (amount !== undefined && request) account.granted(amount, request, now);
    }
    if (others) await this.#watch(others);
  }

  /** Gives back what is not used, tells that this process lives, and looks whether the others do. */
  async #look(): Promise<void> {
    const now = performance.now();
    for (const [key, account] of this.#accounts) if (account.isIdle) this.#accounts.delete(key);
    if (this.#accounts.size === 0 && now - this.#refused > 2 * DEAD_MS) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const back = [...this.#accounts.values()].flatMap((account) => {
      const amount = account.renewal ? undefined : account.rest(now);
      return amount === undefined ? [] : { account, amount };
    });
    if (back.length === 0 && !this.#isDue()) return;
    do {
      const part = back.splice(0, BATCH_SIZE);
      const kept = part.map(({ account: { tenant, name }, amount }) => ({ tenant, name, amount }));
      const telling = this.#telling((sign) => keepPlaces(this.#database, { owner: this.#owner, sign }, kept)).then(
        (others) => {
          for (const { account, amount } of part) account.rested(amount, now);
          return this.#watch(others);
        },
      );
      renewing(part, telling);
      // What is not told now is told by the next look.
      await telling.catch((error) => log.warn('places cannot be given back', { error: describe(error) }));
    } while (back.length > 0);
  }

  #isDue(): boolean {
    return performance.now() - this.#signed >= SIGN_MS;
  }

  /** Writes with a sign of life, if one is due. */
  async #telling<T>(work: (sign: number | undefined) => Promise<T>): Promise<T> {
    if (!this.#isDue() && this.#isAlive()) return work(undefined);
    const begun = performance.now();
    this.#signed = begun;
    this.#sign = signAfter(this.#sign);
    try {
      const result = await work(this.#sign);
      this.#alive = Math.max(this.#alive, begun);
      return result;
    } catch (error) {
      this.#signed = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }

  /**
   * Watches the others, whose signs were just read. One that gives the same for long has died; one look counts for half of that at most, since
   * a process that was paused, or could not ask, has not been looking.
   */
  async #watch(others: readonly LivingProcess[]): Promise<void> {
    if (others.length === 0) return;
    const now = performance.now();
    const watched = new Map<string, { sign: number; at: number; silent: number }>();
    for (const { owner, sign } of others) {
      const last = this.#watched.get(owner);
      const silent = last?.sign === sign ? last.silent + Math.min(now - last.at, DEAD_MS / 2) : 0;
      watched.set(owner, { sign, at: now, silent });
    }
    this.#watched = watched;
    const dead = others.filter(({ owner }) => (watched.get(owner)?.silent ?? 0) >= DEAD_MS);
    if (dead.length > 0) await forgetDead(this.#database, dead);
  }
}

/** Notes the work by which accounts are renewed, until it is done. */
function renewing(claims: readonly { account: PlaceAccount }[], work: Promise<void>): void {
  const renewal = work.finally(() => {
    for (const { account } of claims) account.renewal = undefined;
  });
  renewal.catch(() => {}); // whoever waits for it is told
  for (const { account } of claims) account.renewal = renewal;
}

function hold(claims: readonly PlaceClaim[]): () => void {
  for (const { account } of claims) account.take();
  return () => {
    for (const { account } of claims) account.giveBack();
  };
}

function isLimited({ caller, tenant }: PlaceLimits): boolean {
  return caller !== undefined || tenant !== undefined;
}
