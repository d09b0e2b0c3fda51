import type { Context } from 'hono';
import { fixedLimits } from '../../limits.ts';
import { describe, log } from '../../log.ts';
import type { Env, SharedServices } from '../../service/env.ts';

/** A read of the file itself; `SELECT 1` would not touch it. */
const PING = [{ sql: 'SELECT id FROM owners LIMIT 1', values: [] }];

/** Turns of the event loop that an answer still has after its time: where the process was busy, it may wait to be heard. */
const GRACE = 3;

const HEADERS = { 'cache-control': 'no-store' };

/** `GET /livez`: 200 as long as the process answers at all. What it needs may be down: to restart it would not help. */
export function getLiveness(c: Context<Env>): Response {
  return c.json({ status: 'ok' }, 200, HEADERS);
}

/** Makes `GET /readyz`: 200, or 503 with the reasons why this process should get no new requests. */
export function readinessRoute(services: SharedServices): (c: Context<Env>) => Promise<Response> {
  const ping = pinging(services);
  return async (c) => {
    await ping();
    const { reasons } = services.readiness;
    if (reasons.length > 0) return c.json({ status: 'unready', reasons }, 503, HEADERS);
    return c.json({ status: 'ready' }, 200, HEADERS);
  };
}

/** Asks the database for a sign of life, at most once an interval, and keeps the reason `database` by what it answers. */
function pinging(services: SharedServices): () => Promise<void> {
  let asked = Number.NEGATIVE_INFINITY;
  let last = Promise.resolve();
  const ask = async () => {
    const { readiness, scope } = services;
    const problem = await failureOf(() => scope.database.batch(PING));
    if (!readiness.set('database', problem !== undefined)) return;
    if (problem === undefined) log.info('the database answers again');
    else log.error('the database does not answer', { error: describe(problem) });
  };
  return () => {
    const now = performance.now();
    if (now - asked >= fixedLimits.pingInterval) {
      asked = now;
      last = ask();
    }
    return last;
  };
}

/** What a piece of work failed with, silence included; undefined when it went well. */
async function failureOf(work: () => Promise<unknown>): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<unknown>((resolve) => {
    const wait = (turns: number, ms: number) => {
      timer = setTimeout(() => {
        if (turns > 0) wait(turns - 1, 0);
        else resolve(new Error(`no answer within ${fixedLimits.ping} ms`));
      }, ms);
    };
    wait(GRACE, fixedLimits.ping);
  });
  try {
    return await Promise.race([work().then(() => undefined), silence]);
  } catch (error) {
    return error;
  } finally {
    clearTimeout(timer);
  }
}
