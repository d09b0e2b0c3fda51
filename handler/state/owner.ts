import { Conflict, type Database, type Row, type Statement, type Value } from '../database/database.ts';
import { newId } from '../ids.ts';

/** Times within one lease that a process says that it is alive: one or two may be late before anyone doubts it. */
const BEATS = 3;

/** A process that runs turns. A turn is alive while its owner says so at least once a lease; else it has died. */
export class Owner {
  readonly id = newId('own');
  /** Ids of the responses whose turns it runs. */
  readonly running = new Set<string>();
  /** In milliseconds. */
  readonly lease: number;
  #said = 0;

  /** Clocks of processes that share a database must agree to a part of the lease. */
  constructor(lease: number) {
    this.lease = lease;
  }

  /** How often anything is to be done that must be done within a lease, in milliseconds. */
  get every(): number {
    return this.lease / BEATS;
  }

  /** Has a turn as one that runs, and says that this process is alive, until the function that it gives is called. */
  hold(id: string, database: Database): () => void {
    this.running.add(id);
    const beats = setInterval(() => {
      // One that fails is followed by others; when all fail, the turn's own writes do as well, and say so.
      if (this.#isDue(Date.now())) this.write(database, []).catch(() => {});
    }, this.every);
    return () => {
      clearInterval(beats);
      this.running.delete(id);
    };
  }

  /** Runs statements as one batch, and says along with them that this process is alive when that is due; gives their rows. */
  async write(database: Database, statements: readonly Statement[]): Promise<readonly Row[][]> {
    const now = Date.now();
    if (!this.#isDue(now)) return database.batch(statements);
    this.#said = now;
    const sql = `INSERT INTO owners (id, alive_until) VALUES (?, ?)
      ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until`;
    try {
      return (await database.batch([{ sql, values: [this.id, now + this.lease] }, ...statements])).slice(1);
    } catch (error) {
      this.#said = 0; // that was undone with the rest, and what was begun meanwhile relies on it
      if (error instanceof Conflict && this.running.size > 0) this.write(database, []).catch(() => {});
      throw error;
    }
  }

  /** Says that this process is alive no more, unless it still makes something: what it held may be taken at once. */
  async leave(database: Database): Promise<void> {
    if (this.running.size > 0) return;
    this.#said = 0;
    await database.batch([{ sql: 'DELETE FROM owners WHERE id = ?', values: [this.id] }]);
  }

  /** Half of the pace counts: a timer that comes a moment too early would else wait for a whole turn of it. */
  #isDue(now: number): boolean {
    return now - this.#said >= this.every / 2;
  }
}

/** What is said of a turn whose process has died in the middle of it. */
export const STOPPED = 'The server that made this response has stopped.';

/** Whether the process that owns the response `r` is alive; takes the present time as its value. */
export const OWNED = 'EXISTS (SELECT 1 FROM owners o WHERE o.id = r.owner AND o.alive_until > ?)';

/**
 * Whether the response `r` is being made, or will be: in the background another process takes over from one that has died.
 * Takes the present time as its value.
 */
export const ALIVE = `r.status IN ('queued', 'in_progress') AND (r.background = 1 OR ${OWNED})`;

/**
 * Ends as failed the turn whose id `which` selects, if it has died: a process that was only paused writes nothing more
 * of it, and what it held may be taken.
 */
export function endDead(tenant: string, which: string, values: readonly Value[], now: number): Statement {
  return {
    sql: `UPDATE responses AS r SET status = 'failed', owner = '' WHERE r.tenant = ? AND r.id = (${which})
      AND r.status IN ('queued', 'in_progress') AND NOT (${ALIVE})`,
    values: [tenant, ...values, now],
  };
}
