import type { Statement, Value } from '../database/database.ts';
import { newId } from '../ids.ts';

/** Times within one lease that a process says that it is alive: one or two may be late before anyone doubts it. */
const BEATS = 3;

/** A process that runs turns. A turn is alive while its owner says so at least once a lease; else it has died. */
export class Owner {
  readonly id = newId('own');
  /** Ids of the responses whose turns it runs. */
  readonly running = new Set<string>();
  readonly #lease: number;
  #said = 0;

  /** `lease` in milliseconds; clocks of processes that share a database must agree to a part of it. */
  constructor(lease: number) {
    this.#lease = lease;
  }

  /** How often `beat` is to be looked at while a turn runs, in milliseconds. */
  get every(): number {
    return this.#lease / BEATS;
  }

  /** What says that this process is alive, if that is due: to be written along with whatever else is. */
  beat(now: number): Statement[] {
    if (now - this.#said < this.every) return [];
    this.#said = now;
    const sql = `INSERT INTO owners (id, alive_until) VALUES (?, ?)
      ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until`;
    return [{ sql, values: [this.id, now + this.#lease] }];
  }
}

/** Whether the response `r` is being made by a process that is alive; takes the present time as its value. */
export const ALIVE = `r.status IN ('queued', 'in_progress')
  AND EXISTS (SELECT 1 FROM owners o WHERE o.id = r.owner AND o.alive_until > ?)`;

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
