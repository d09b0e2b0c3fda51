import { fixedLimits } from '../limits.ts';
import { removeOldAllowances } from './allowances.ts';
import { addUpCharges, removeCharges } from './charge-sums.ts';
import type { Database, Row } from './database/database.ts';
import { sql, write } from './database/sql.ts';
import { removeOldDeliveries } from './deliveries.ts';
import { listOlderConversations, listOlderResponses } from './listed.ts';
import { OPEN, type ProcessLease } from './process-lease.ts';
import { expireConversations, removeConversations, removeLogs, removeResponses } from './remove.ts';
import type { StoredBytes } from './stored-bytes.ts';

/** Grace period of expired and deleted rows, in milliseconds: a turn that has just read its history may still be starting. */
const GRACE_MS = 60_000;

/** Bounds of one sweep. */
export interface SweepBounds {
  /** Slices at most; any number without it. */
  maxSlices?: number | undefined;
  /** Retention of conversations since they were last written to, in milliseconds. Default: forever. */
  conversations?: number;
  /** What tenants with a limit have stored, to be measured. */
  storedBytes?: Pick<StoredBytes, 'measure'> | undefined;
  /** Gets the charges that were added up. */
  told?: ((rows: readonly Row[]) => void) | undefined;
}

/**
 * Ends the turns of dead processes in every tenant as failed, and removes what has expired or was deleted once nothing builds
 * on it: leaf responses first, and the items of deleted conversations. Works in slices, with pauses as long as they took, so
 * that requests go on, adds charges up, and takes what lists are asked by from the rows of older programs; the next sweep does what is left. Several processes may sweep at once.
 */
export async function sweep(
  database: Database,
  lease: ProcessLease,
  now: number,
  {
    maxSlices = Number.POSITIVE_INFINITY,
    conversations = Number.POSITIVE_INFINITY,
    storedBytes,
    told,
  }: SweepBounds = {},
): Promise<void> {
  await lease.endTurnsOfDead(database, true);
  await database.batch({
    deliveries: removeOldDeliveries(now),
    // An idle process writes its heartbeat again with its next turn; of one that has turns it is what shows that it is dead.
    owners: write(sql`DELETE FROM owners WHERE alive_until < ${now - GRACE_MS}
      AND NOT EXISTS (SELECT 1 FROM responses r WHERE r.owner = owners.id AND ${OPEN})`),
  });
  const until = performance.now() + fixedLimits.sweepTime;
  const tasks = [
    () => removeResponses(database, now - GRACE_MS),
    () => removeLogs(database, now),
    () => removeOldAllowances(database, now),
    ...(conversations < now ? [() => expireConversations(database, now - conversations, now)] : []),
    () => removeConversations(database, now - GRACE_MS),
    () => addUpCharges(database, now, told),
    () => removeCharges(database, now),
    ...(storedBytes ? [() => storedBytes.measure(now)] : []),
    () => listOlderResponses(database),
    () => listOlderConversations(database),
    async () => (await database.giveBack?.()) ?? false,
  ];
  let slices = 0;
  // What had nothing to do is asked again once the others are done: it may have waited for them.
  for (let asked = tasks; asked.length > 0; ) {
    const busy: typeof tasks = [];
    for (const slice of asked) {
      if (slices++ >= maxSlices || performance.now() > until) return;
      const started = performance.now();
      if (await slice()) busy.push(slice);
      const elapsed = performance.now() - started;
      await new Promise((resolve) => setTimeout(resolve, elapsed));
    }
    asked = busy.length > 0 || asked === tasks ? busy : tasks;
  }
}
