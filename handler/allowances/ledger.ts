import { newId } from '../ids.ts';
import { describe, log } from '../log.ts';
import { reserve } from '../state/allowances.ts';
import type { Database } from '../state/database/database.ts';
import { Account, RESERVATION_MS } from './account.ts';
import type { Allowance } from './allowance.ts';
import { refusalOf, unreadable } from './refusal.ts';

/** The time from one look at what has to be told to the next, in milliseconds: others see what was used as late as that. */
const LOOK_MS = RESERVATION_MS / 3;

/** Accounts of one batch: each is three statements. */
const BATCH_SIZE = 50;

/** Accounts beyond which those of no use are looked for where no timer does so. */
const MANY = 1_000;

/** An amount of an account that is to be taken. */
export interface Claim {
  readonly account: Account;
  readonly amount: number;
}

/**
 * What one process knows of allowances. It reserves ahead, so that most turns ask nobody, tells the database what was used when it
 * renews a reservation and every few seconds, and gives the rest back when it closes.
 */
export class Ledger {
  readonly #database: Database;
  readonly #owner = newId('own');
  /** Without timers, and without work that two requests share: some runtimes end both with the request that began them. */
  readonly #alone: boolean;
  readonly #accounts = new Map<string, Account>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isClosed = false;

  /** `alone`: each request does its own work, and nothing is done between requests. */
  constructor(database: Database, alone = false) {
    this.#database = database;
    this.#alone = alone;
  }

  /** The account of an allowance. */
  accountOf(allowance: Allowance): Account {
    const key = `${allowance.tenant}\0${allowance.name}`;
    const known = this.#accounts.get(key);
    if (known) {
      known.allowance = allowance;
      return known;
    }
    if (this.#alone && this.#accounts.size >= MANY) this.#forget(Date.now());
    const account = new Account(allowance);
    this.#accounts.set(key, account);
    if (!this.#alone && !this.#isClosed) this.#timer ??= setInterval(() => void this.#look(), LOOK_MS);
    return account;
  }

  /**
   * Takes all of these amounts, or none: at once where this process has them, else a promise. Throws or rejects with an ApiError for
   * the first that is not to be had, or `overloaded` where the database does not answer.
   */
  take(claims: readonly Claim[]): void | Promise<void> {
    const now = Date.now();
    if (!claims.every(({ account, amount }) => account.has(amount, now))) return this.#ask(claims);
    for (const { account, amount } of claims) account.hold(amount);
    if (this.#alone) return;
    const low = claims.flatMap(({ account }) => (account.runsLow(now) && !account.renewal ? account : []));
    if (low.length > 0) this.#renew(low).catch(() => {}); // whoever needs it is told
  }

  /** Something was used of these: a promise until the database was told, where no timer does that. Never rejects. */
  settled(accounts: readonly Account[]): Promise<void> | undefined {
    if (!this.#alone) return undefined;
    const now = Date.now();
    return this.#send(accounts.filter((account) => account.isDue(now, 0))).catch(() => {}); // it is told with the next
  }

  /** Tells the database all, and gives back what was reserved. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    const accounts = [...this.#accounts.values()];
    await Promise.all(accounts.map(({ renewal }) => renewal)).catch(() => {});
    const now = Date.now();
    await this.#send(
      accounts.filter((account) => !account.isIdle(now)),
      true,
    ).catch((error) =>
      log.warn('what turns used of their limits could not be written down', { error: describe(error) }),
    );
  }

  async #ask(claims: readonly Claim[]): Promise<void> {
    for (const { account, amount } of claims) account.need(amount);
    try {
      for (;;) {
        const now = Date.now();
        const missing = claims.filter(({ account, amount }) => !account.has(amount, now));
        if (missing.length === 0) break;
        const refused = missing.find(({ account, amount }) => account.lacks(amount, now));
        if (refused) throw refusalOf(refused, now);
        await this.#renew(missing.map(({ account }) => account));
      }
      for (const { account, amount } of claims) account.hold(amount);
    } finally {
      for (const { account, amount } of claims) account.need(-amount);
    }
  }

  /** Renews reservations, or waits for the renewals that others have begun. */
  async #renew(accounts: readonly Account[]): Promise<void> {
    if (this.#alone) return this.#send(accounts);
    const idle = accounts.filter(({ renewal }) => !renewal);
    if (idle.length > 0) {
      const renewal = this.#send(idle).finally(() => {
        for (const account of idle) account.renewal = undefined;
      });
      for (const account of idle) account.renewal = renewal;
    }
    await Promise.all(accounts.map(({ renewal }) => renewal));
  }

  async #send(accounts: readonly Account[], isLast = false): Promise<void> {
    // In one order, so that no two processes wait for each other.
    const sorted = accounts.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
    for (let from = 0; from < sorted.length; from += BATCH_SIZE)
      await this.#sendBatch(sorted.slice(from, from + BATCH_SIZE), isLast);
  }

  async #sendBatch(accounts: readonly Account[], isLast: boolean): Promise<void> {
    const now = Date.now();
    const renewals = accounts.map((account) => account.renew(now, isLast));
    const until = now + RESERVATION_MS;
    try {
      const reservations = renewals.map(({ reservation }) => reservation);
      const reserved = await reserve(this.#database, this.#owner, until, reservations);
      for (const [at, account] of accounts.entries()) {
        const [renewal, answer] = [renewals[at], reserved[at]];
        if (renewal && answer) account.renewed(renewal, answer, until, Date.now());
      }
    } catch (error) {
      for (const [at, account] of accounts.entries()) {
        const renewal = renewals[at];
        if (renewal) account.failed(renewal);
      }
      throw unreadable(error);
    }
  }

  async #look(): Promise<void> {
    const now = Date.now();
    this.#forget(now);
    const due = [...this.#accounts.values()].filter((account) => !account.renewal && account.isDue(now, 2 * LOOK_MS));
    if (due.length > 0)
      await this.#renew(due).catch((error) =>
        log.warn('what turns use of their limits cannot be written down', { error: describe(error) }),
      );
  }

  /** Forgets accounts of which nothing would be lost; without any, nothing is looked at. */
  #forget(now: number): void {
    for (const [key, account] of this.#accounts) if (account.isIdle(now)) this.#accounts.delete(key);
    if (this.#accounts.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function keyOf({ allowance: { tenant, name } }: Account): string {
  return `${tenant}\0${name}`;
}
