import type { Caller } from '../caller.ts';
import type { Claimant, PlaceLimits } from '../caller-count.ts';
import type { ModelConfig } from '../config/models.ts';
import type { TenantEntry } from '../config/tenants.ts';
import type { Usage } from '../protocol/response.ts';
import type { Database } from '../state/database/database.ts';
import type { RequestOrigin } from '../state/request-origin.ts';
import type { StoredBytes, StoredLimit } from '../state/stored-bytes.ts';
import type { TurnSummary } from '../turn/turn-summary.ts';

/** A turn that may be made. Call one of `end`, `refused`, `leave` and `undo` once; a promise has to be waited for where a process may end with its request. */
export interface Admission {
  /** What is left, as this process knows it, in OpenAI's headers. */
  headers(): Record<string, string>;
  /**
   * Counts what was used so far, and takes an estimate of what the next model call of the turn uses: at once, or the promise of it. Throws or
   * rejects with the ApiError of a limit of which that is not left.
   */
  goOn(summary: TurnSummary): Promise<void> | undefined;
  /** Counts what was used in place of the estimate. */
  end(summary: TurnSummary): Promise<void> | undefined;
  /** Another process goes on with it: what was counted so far stays. */
  leave(): Promise<void> | undefined;
  /** It was a request, and used nothing. */
  refused(): Promise<void> | undefined;
  /** Takes everything back, since nothing was made. */
  undo(): Promise<void> | undefined;
}

/** What turns may use by one configuration. */
export interface TurnLimits {
  /**
   * Admits the turn of a summary, with what it is going to send: at once if that needs no answer of the database, else a promise.
   * Undefined where nothing limits it. Throws or rejects with the ApiError of a limit that it meets.
   */
  admit(caller: Caller, summary: TurnSummary): Admission | Promise<Admission> | undefined;
  /**
   * The admission of a turn that was admitted when it was asked for, and is made now; undefined where nothing limits it. Usage that was
   * `counted` where it began is not counted again.
   */
  resume(
    origin: RequestOrigin | undefined,
    summary: TurnSummary,
    counted: Usage | null | undefined,
  ): Admission | undefined;
}

/** Places that callers and tenants have at a time, in all processes together. */
export interface SharedPlaces {
  /**
   * Takes a place of a caller and of its tenant, as far as those have limits: at once if that needs no answer of the database, else a
   * promise. Call the returned function once to give them back. Throws or rejects with an ApiError: `caller_limit` where one has as many as
   * it may have, `overloaded` where the database does not answer. Undefined where nothing is limited, or counted.
   */
  take(who: Claimant, what: 'turns' | 'sockets', max: PlaceLimits): (() => void) | Promise<() => void> | undefined;
  /**
   * Takes places for a background turn that is about to be stored as `id` in `partition`: then it counts until it has ended. Resolves with
   * what gives them back if it is not stored, which never rejects; undefined where nothing is limited. Rejects as `take` does.
   */
  takeBackground(
    who: Claimant,
    turn: { partition: string; id: string },
    max: PlaceLimits,
  ): Promise<(() => Promise<void>) | undefined>;
}

/** The parts of a configuration that limit turns. */
export interface LimitingConfig {
  tenants: Readonly<Record<string, TenantEntry>>;
  models: readonly ModelConfig[] | undefined;
}

/** What a process counts of limits that all processes share. */
export interface TurnLedger {
  /** The limits of a configuration. */
  limitsBy(config: LimitingConfig): TurnLimits;
  /** What callers and tenants have at a time. */
  readonly places: SharedPlaces;
  /** Opens what counts the bytes that tenants with a limit have stored. */
  storedBytes(limit: StoredLimit): StoredBytes;
  /** Tells the database all, and gives back what was reserved. Never rejects. */
  close(): Promise<void>;
}

/** Opens a ledger. `alone`: each request does its own work, and nothing is done between requests. */
export type OpenLimits = (database: Database, alone: boolean) => TurnLedger;
