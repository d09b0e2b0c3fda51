import { fixedLimits } from '../limits.ts';
import type { Database } from './database/database.ts';
import { sql, write } from './database/sql.ts';
import { removeOldDeliveries } from './deliveries.ts';
import type { ProcessLease } from './process-lease.ts';
import { expireConversations, removeConversations, removeLogs, removeResponses } from './remove.ts';

/** How long something hidden stays, in milliseconds: a turn that has just been read what it goes on from is still beginning. */
const GRACE_MS = 60_000;

/** How far a sweep goes. */
export interface SweepBounds {
  /** Slices at most. */
  maxSlices?: number | undefined;
  /** How long a conversation is kept that nobody writes to, in milliseconds; for ever, unless told otherwise. */
  conversations?: number;
}

/**
 * Ends turns that nobody makes any more as failed, in every tenant, and removes what is expired or deleted and what
 * nobody builds on: responses leaf first, and the items of deleted conversations. In slices, at most so many, with as much
 * time between them as they take, so that all else goes on; what is left at the end of its time is left to the next sweep.
 * Any number of processes may do it at once.
 */
export async function sweep(
  database: Database,
  lease: ProcessLease,
  now: number,
  { maxSlices = Number.POSITIVE_INFINITY, conversations = Number.POSITIVE_INFINITY }: SweepBounds = {},
): Promise<void> {
  await lease.endTurnsOfDead(database);
  await database.batch({
    deliveries: removeOldDeliveries(now),
    // One that is alive, and makes nothing, says so again when it does.
    owners: write(sql`DELETE FROM owners WHERE alive_until < ${now - GRACE_MS}`),
  });
  const until = performance.now() + fixedLimits.sweepTime;
  const tasks = [
    () => removeResponses(database, now - GRACE_MS),
    () => removeLogs(database, now),
    ...(conversations < now ? [() => expireConversations(database, now - conversations, now)] : []),
    () => removeConversations(database, now - GRACE_MS),
    async () => (await database.giveBack?.()) ?? false,
  ];
  let slices = 0;
  for (let more = true; more; ) {
    more = false;
    for (const slice of tasks) {
      if (slices++ >= maxSlices || performance.now() > until) return;
      const started = performance.now();
      if (await slice()) more = true;
      const elapsed = performance.now() - started;
      await new Promise((resolve) => setTimeout(resolve, elapsed));
    }
  }
}
