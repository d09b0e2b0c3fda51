import { setTimeout as sleep } from 'node:timers/promises';
import { asker } from './ask.ts';
import { Connection } from './connection.ts';
import { SHAPES } from './plan.ts';

/** How often a server that does not listen yet is tried, in milliseconds. */
const EVERY = 2;

/** Asks a server for a JSON turn until it answers, and checks the answer; rejects once `limit` milliseconds are over. */
export async function firstAnswer(port: number, limit: number): Promise<void> {
  const next = asker('responses', SHAPES.turn);
  for (const until = performance.now() + limit; ; await sleep(EVERY)) {
    try {
      const connection = await Connection.open(port);
      const ask = next();
      const answer = await connection.send(ask.request).finally(() => connection.close());
      ask.check(answer);
      return;
    } catch (error) {
      // What listens before it can answer refuses the first requests.
      if (performance.now() > until) throw error;
    }
  }
}
