import { newId } from '../ids.ts';
import { type Batch, Conflict, type Database, type Row, type Rows, type Value } from './database/database.ts';
import { read, sql, write } from './database/sql.ts';

/** Times within one lease that a process says that it is alive: one or two may be late before anyone doubts it. */
const BEATS_PER_LEASE = 3;

/** What was seen of another process: the last time that it said so, and for how long that has been watched, in milliseconds. */
interface Watched {
  beat: Value;
  /** By `performance.now()`. */
  at: number;
  silent: number;
}

/**
 * A process that runs turns, and that watches others do so. One that says nothing new for a whole lease has died. That is
 * measured here, by a clock that nobody sets, and written down before anyone is told: what the dead held has then ended.
 */
export class ProcessLease {
  readonly id = newId('own');
  /** Ids of the responses whose turns it runs. */
  readonly running = new Set<string>();
  /** In milliseconds. */
  readonly duration: number;
  /** When it last said that it is alive, by `performance.now()`. */
  #lastBeat = Number.NEGATIVE_INFINITY;
  readonly #oneClock: boolean;
  #watched = new Map<string, Watched>();

  /** `oneClock`: all processes read one wall clock that is never set, so that a lease can be told to be over at a glance. */
  constructor(duration: number, oneClock = false) {
    this.duration = duration;
    this.#oneClock = oneClock;
  }

  /** How often anything is to be done that must be done within a lease, in milliseconds. */
  get beatInterval(): number {
    return this.duration / BEATS_PER_LEASE;
  }

  /** Has a turn as one that runs, and says that this process is alive, until the function that it gives is called. */
  hold(id: string, database: Database): () => void {
    this.running.add(id);
    const beats = setInterval(() => {
      // One that fails is followed by others; when all fail, the turn's own writes do as well, and say so.
      if (this.#isDue()) this.write(database, {}).catch(() => {});
    }, this.beatInterval);
    return () => {
      clearInterval(beats);
      this.running.delete(id);
    };
  }

  /** Runs statements as one batch, and says along with them that this process is alive when that is due; gives their rows. */
  async write<B extends Batch>(database: Database, statements: B): Promise<Rows<B>> {
    if (!this.#isDue()) return database.batch(statements);
    this.#lastBeat = performance.now();
    const beat = write(sql`INSERT INTO owners (id, alive_until) VALUES (${this.id}, ${Date.now() + this.duration})
      ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until`);
    try {
      return await database.batch({ beat, ...statements });
    } catch (error) {
      this.#lastBeat = Number.NEGATIVE_INFINITY; // that was undone with the rest, and what was begun meanwhile relies on it
      if (error instanceof Conflict && this.running.size > 0) this.write(database, {}).catch(() => {});
      throw error;
    }
  }

  /** Looks at all processes that hold turns, and ends what the dead held; also what this one holds and makes no more. */
  async endTurnsOfDead(database: Database): Promise<void> {
    const { owners, own } = await database.batch({
      owners: read(sql`SELECT DISTINCT ${OWNER_BEAT} FROM responses r WHERE ${OPEN} AND r.owner <> ''`),
      own: read(sql`SELECT r.tenant, r.id FROM responses r WHERE r.owner = ${this.id} AND ${OPEN}`),
    });
    const seen = new Set(owners.map(({ owner }) => String(owner)));
    for (const id of this.#watched.keys()) if (!seen.has(id)) this.#watched.delete(id);
    for (const row of owners) await this.endIfDead(database, { ...row, status: 'in_progress' });
    // Those whose last write failed, perhaps because the database was away for a while.
    const orphaned = own.filter(({ id }) => !this.running.has(String(id)));
    if (orphaned.length === 0) return;
    await database.batch({
      orphaned: orphaned.map(({ tenant = null, id = null }) =>
        write(sql`${END_TURNS} WHERE r.owner = ${this.id} AND ${OPEN} AND r.tenant = ${tenant} AND r.id = ${id}`),
      ),
    });
  }

  /**
   * Whether who holds an open response, whose row was read with its status and OWNER_BEAT, has died. It is written down
   * then, so that the row is to be read again; where it cannot be, nobody is told.
   */
  async endIfDead(database: Database, row: Row | undefined): Promise<boolean> {
    const { owner, beat = null } = row ?? {};
    if (!isOpen(row?.status) || !owner || owner === this.id || !this.#isSilent(String(owner), beat)) return false;
    const last = beat ?? -1;
    const ended = await database
      .batch({
        responses: write(sql`${END_TURNS} WHERE r.owner = ${owner} AND ${OPEN}
          AND NOT EXISTS (SELECT 1 FROM owners o WHERE o.id = r.owner AND o.alive_until <> ${last})`),
        owner: write(sql`DELETE FROM owners WHERE id = ${owner} AND alive_until = ${last}`),
      })
      .catch(() => undefined);
    return ended !== undefined;
  }

  /** Says that this process is alive no more: what it still holds has failed, and may be taken at once. */
  async release(database: Database): Promise<void> {
    this.#lastBeat = Number.NEGATIVE_INFINITY;
    await database.batch({
      responses: write(sql`${END_TURNS} WHERE r.owner = ${this.id} AND ${OPEN}`),
      owner: write(sql`DELETE FROM owners WHERE id = ${this.id}`),
    });
  }

  /**
   * Whether a process has said nothing new for a lease. A look counts for half a lease at most: whoever was itself stopped, or
   * has just been started, has not watched.
   */
  #isSilent(owner: string, beat: Value): boolean {
    if (this.#oneClock) return Number(beat) <= Date.now();
    const now = performance.now();
    const last = this.#watched.get(owner);
    const silent = last?.beat === beat ? last.silent + Math.min(now - last.at, this.duration / 2) : 0;
    this.#watched.set(owner, { beat, at: now, silent });
    return silent >= this.duration;
  }

  /** Half of the pace counts: a timer that comes a moment too early would else wait for a whole turn of it. */
  #isDue(): boolean {
    return performance.now() - this.#lastBeat >= this.beatInterval / 2;
  }
}

/** What is said of a turn whose process has died in the middle of it. */
export const PROCESS_DIED = 'The server that made this response has stopped.';

/** Whether the response `r` has not ended. */
export const OPEN = sql`r.status IN ('queued', 'in_progress')`;

/** Who makes the response `r`, and when that process last said that it is alive: for `ProcessLease.endIfDead`. */
export const OWNER_BEAT = sql`r.owner, (SELECT o.alive_until FROM owners o WHERE o.id = r.owner) AS beat`;

/** Ends what a process held that has died; in the background another one may go on with it. */
const END_TURNS = sql`UPDATE responses AS r
  SET status = CASE WHEN r.background = 0 THEN 'failed' ELSE r.status END, owner = '', waits = 0`;

/** Whether a response of this status has not ended. */
export function isOpen(status: Value | undefined): boolean {
  return status === 'queued' || status === 'in_progress';
}
