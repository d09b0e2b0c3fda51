import { fixedLimits } from '../limits.ts';
import { describe, log } from '../log.ts';
import type { Readiness } from '../readiness.ts';
import type { Database } from './database/database.ts';
import { read, sql, write } from './database/sql.ts';
import { untilKnown } from './until-known.ts';

/** A read of the file itself; `SELECT 1` would not touch it. */
const PING = { ping: read(sql`SELECT id FROM owners LIMIT 1`) };

/** A write that changes nothing, where writers wait for nobody: a server may have become one that only reads. */
const WRITE_PING = { ping: write(sql`UPDATE owners SET alive_until = 0 WHERE id = ''`) };

/** Turns of the event loop that a late answer still gets: a busy process may not have read it yet. */
const GRACE_TURNS = 3;

/** Pings the database, at most once an interval, and sets the readiness reason `database` from the result. */
export function pinging(database: Database, readiness: Readiness): () => Promise<void> {
  let lastPing = Number.NEGATIVE_INFINITY;
  let pending = Promise.resolve();
  const statements = database.system === 'postgresql' ? WRITE_PING : PING;
  const ping = async () => {
    const problem = await failureOf(() => untilKnown(() => database.batch(statements)));
    if (!readiness.set('database', problem !== undefined)) return;
    if (problem === undefined) log.info('the database answers again');
    else log.error('the database does not answer', { error: describe(problem) });
  };
  return () => {
    const now = performance.now();
    if (now - lastPing >= fixedLimits.pingInterval) {
      lastPing = now;
      pending = ping();
    }
    return pending;
  };
}

/** The error of an operation, a timeout included; undefined when it succeeded. */
async function failureOf(work: () => Promise<unknown>): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<unknown>((resolve) => {
    const wait = (turns: number, ms: number) => {
      timer = setTimeout(() => {
        if (turns > 0) wait(turns - 1, 0);
        else resolve(new Error(`no answer within ${fixedLimits.ping} ms`));
      }, ms);
    };
    wait(GRACE_TURNS, fixedLimits.ping);
  });
  try {
    return await Promise.race([work().then(() => undefined), silence]);
  } catch (error) {
    return error;
  } finally {
    clearTimeout(timer);
  }
}
