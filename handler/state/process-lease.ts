import { newId } from '../ids.ts';
import { type Batch, Conflict, type Database, type Row, type Rows, type Value } from './database/database.ts';
import { read, sql, write } from './database/sql.ts';

/** Heartbeats per lease: one or two may be late before other processes take this one for dead. */
const BEATS_PER_LEASE = 3;

/** Another process as this one sees it: its last heartbeat, and for how long, in milliseconds, that has stayed the same. */
interface Watched {
  beat: Value;
  /** By `performance.now()`. */
  at: number;
  silent: number;
}

/**
 * The lease of this process on the turns that it runs, and its watch over other processes. A process whose heartbeat stays
 * the same for a whole lease is dead. The time is measured here, by a monotonic clock, and the end of its turns is written
 * down before anyone is told of it.
 */
export class ProcessLease {
  readonly id = newId('own');
  /** Ids of the responses whose turns this process runs. */
  readonly running = new Set<string>();
  /** In milliseconds. */
  readonly duration: number;
  /** The last heartbeat, by `performance.now()`. */
  #lastBeat = Number.NEGATIVE_INFINITY;
  /** Whether one is committed: until then each write brings its own, since others would take this process for dead. */
  #isKnown = false;
  readonly #oneClock: boolean;
  #watched = new Map<string, Watched>();

  /** `oneClock`: all processes share one wall clock that is never set, so that one look tells whether a lease is over. */
  constructor(duration: number, oneClock = false) {
    this.duration = duration;
    this.#oneClock = oneClock;
  }

  /** The interval of heartbeats, in milliseconds, and of whatever else must happen within a lease. */
  get beatInterval(): number {
    return this.duration / BEATS_PER_LEASE;
  }

  /** Holds a turn, and keeps the heartbeat going until the returned function is called. */
  hold(id: string, database: Database): () => void {
    this.running.add(id);
    const beats = setInterval(() => {
      // A failed heartbeat is followed by others; when all fail, so do the writes of the turn, which report it.
      if (this.#isDue()) this.write(database, {}).catch(() => {});
    }, this.beatInterval);
    return () => {
      clearInterval(beats);
      this.running.delete(id);
    };
  }

  /** Runs statements as one batch, together with a heartbeat when one is due; returns their rows. */
  async write<B extends Batch>(database: Database, statements: B): Promise<Rows<B>> {
    if (!this.#isDue()) return database.batch(statements);
    this.#lastBeat = performance.now();
    const beat = write(sql`INSERT INTO owners (id, alive_until) VALUES (${this.id}, ${Date.now() + this.duration})
      ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until`);
    try {
      const rows = await database.batch({ beat, ...statements });
      this.#isKnown = true;
      return rows;
    } catch (error) {
      this.#lastBeat = Number.NEGATIVE_INFINITY; // The heartbeat was undone with the batch, and turns begun meanwhile rely on it.
      if (error instanceof Conflict && this.running.size > 0) this.write(database, {}).catch(() => {});
      throw error;
    }
  }

  /**
   * Ends the turns of dead processes, and those that this process still holds in the database but no longer runs. It looks at processes
   * alone, unless it is to find turns of those that are `unknown` as well.
   */
  async endTurnsOfDead(database: Database, unknown = false): Promise<void> {
    const { owners, own } = await database.batch({
      owners: unknown
        ? read(sql`SELECT DISTINCT ${OWNER_BEAT} FROM responses r WHERE ${OPEN} AND r.owner <> ''`)
        : read(sql`SELECT o.id AS owner, o.alive_until AS beat FROM owners o`),
      own: read(sql`SELECT r.tenant, r.id FROM responses r WHERE r.owner = ${this.id} AND ${OPEN}`),
    });
    const ids = new Set(owners.map(({ owner }) => String(owner)));
    for (const id of this.#watched.keys()) if (!ids.has(id)) this.#watched.delete(id);
    for (const row of owners) await this.endIfDead(database, { ...row, status: 'in_progress' });
    // Turns whose last write failed, perhaps because the database was away for a while.
    const orphaned = own.filter(({ id }) => !this.running.has(String(id)));
    if (orphaned.length === 0) return;
    await database.batch({
      orphaned: orphaned.map(({ tenant = null, id = null }) =>
        write(sql`${END_TURNS} WHERE r.owner = ${this.id} AND ${OPEN} AND r.tenant = ${tenant} AND r.id = ${id}`),
      ),
    });
  }

  /**
   * Whether the owner of an open response, whose row was read with its status and OWNER_BEAT, has died. Its turns are ended
   * first, so the caller has to read the row again; when they cannot be ended, the owner counts as alive.
   */
  async endIfDead(database: Database, row: Row | undefined): Promise<boolean> {
    const { owner, beat = null } = row ?? {};
    if (!isOpen(row?.status) || !owner || owner === this.id || !this.#isSilent(String(owner), beat)) return false;
    const last = beat ?? -1;
    const result = await database
      .batch({
        responses: write(sql`${END_TURNS} WHERE r.owner = ${owner} AND ${OPEN}
          AND NOT EXISTS (SELECT 1 FROM owners o WHERE o.id = r.owner AND o.alive_until <> ${last})`),
        owner: write(sql`DELETE FROM owners WHERE id = ${owner} AND alive_until = ${last}`),
      })
      .catch(() => undefined);
    return result !== undefined;
  }

  /** Gives the lease up: turns that this process still holds have failed, or may be taken by others at once. */
  async release(database: Database): Promise<void> {
    this.#isKnown = false;
    this.#lastBeat = Number.NEGATIVE_INFINITY;
    await database.batch({
      responses: write(sql`${END_TURNS} WHERE r.owner = ${this.id} AND ${OPEN}`),
      owner: write(sql`DELETE FROM owners WHERE id = ${this.id}`),
    });
  }

  /**
   * Whether the heartbeat of a process has stayed the same for a lease. One look counts for half a lease at most: a process
   * that was paused, or has just started, has not been watching.
   */
  #isSilent(owner: string, beat: Value): boolean {
    if (this.#oneClock) return Number(beat) <= Date.now();
    const now = performance.now();
    const last = this.#watched.get(owner);
    const silent = last?.beat === beat ? last.silent + Math.min(now - last.at, this.duration / 2) : 0;
    this.#watched.set(owner, { beat, at: now, silent });
    return silent >= this.duration;
  }

  /** Beat when half an interval has passed, so that a timer firing slightly early does not skip a beat. */
  #isDue(): boolean {
    return !this.#isKnown || performance.now() - this.#lastBeat >= this.beatInterval / 2;
  }
}

/** The error message of a turn whose process has died. */
export const PROCESS_DIED = 'The server that made this response has stopped.';

/** Whether the response `r` has not ended. */
export const OPEN = sql`r.status IN ('queued', 'in_progress')`;

/** The owner of the response `r` and its last heartbeat: columns for `ProcessLease.endIfDead`. */
export const OWNER_BEAT = sql`r.owner, (SELECT o.alive_until FROM owners o WHERE o.id = r.owner) AS beat`;

/** Ends turns of a dead process: failed, but in the background free for another process to resume. */
const END_TURNS = sql`UPDATE responses AS r
  SET status = CASE WHEN r.background = 0 THEN 'failed' ELSE r.status END, owner = '', waits = 0`;

/** Whether a response of this status has not ended. */
export function isOpen(status: Value | undefined): boolean {
  return status === 'queued' || status === 'in_progress';
}
