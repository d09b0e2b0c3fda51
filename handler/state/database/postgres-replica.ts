import { statementsOf } from './batch.ts';
import { closedError, type Database } from './database.ts';
import { read, sql } from './sql.ts';

/** Options of a replica. */
export interface ReplicaOptions {
  /** How old what is read may be, in milliseconds. Default: 10000. */
  maxLag?: number;
  /** How often a replica in use is asked how far it has come, in milliseconds. Default: 1000. */
  interval?: number;
  /** Called when the replica begins to be used, and with the reason when it is not used any more. */
  changed?(reason: string | undefined): void;
}

/** A place in the log of the primary, and when it was there by `performance.now()`. */
interface Place {
  lsn: string;
  at: number;
}

/**
 * The same database, of which batches of nothing but reads that may lag go to a replica, while that has come as far as the primary was
 * `maxLag` ago. Whatever is wrong with the replica, its batches go to the primary. `open` opens the replica, and is called again until it does.
 */
export function withReplica(primary: Database, open: () => Promise<Database>, options: ReplicaOptions = {}): Database {
  const { maxLag = 10_000, interval = 1_000, changed = () => {} } = options;
  let replica: Database | undefined;
  let place: Place | undefined;
  /** Until when the replica is new enough. */
  let until = Number.NEGATIVE_INFINITY;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  let told: string | undefined = '';
  let isClosing = false;

  const tell = (reason: string | undefined) => {
    if (told !== reason) changed(reason);
    told = reason;
  };
  const look = async () => {
    try {
      replica ??= await open();
      const {
        at: [primarys],
      } = await primary.batch({ at: WHERE_PRIMARY_IS });
      const next = { lsn: String(primarys?.lsn), at: performance.now() };
      const {
        come: [come],
      } = await replica.batch({ come: hasCome(place?.lsn ?? next.lsn) });
      if (come?.system !== primarys?.system) return tell('it is of another database');
      if (place && come?.far === 1) {
        until = place.at + maxLag;
        tell(undefined);
      } else if (place && performance.now() >= until) tell('it is too far behind');
      // One that is behind is measured by the same place until it has come there.
      if (!place || come?.far === 1) place = next;
    } catch (error) {
      until = Number.NEGATIVE_INFINITY;
      if (!isClosing) tell(error instanceof Error ? error.message : String(error));
    }
  };

  const lookSoon = () => {
    lookedAt = performance.now();
    looking = look().finally(() => {
      looking = undefined;
    });
  };
  lookSoon(); // so that the log says at once what is wrong with it

  return {
    ...primary,
    async batch(batch) {
      if (!statementsOf(batch).every(({ mayLag }) => mayLag)) return primary.batch(batch);
      if (isClosing) throw closedError();
      const now = performance.now();
      if (!looking && now - lookedAt >= interval) lookSoon();
      if (!replica || now >= until) return primary.batch(batch);
      return replica.batch(batch).catch(() => {
        until = Number.NEGATIVE_INFINITY;
        return primary.batch(batch);
      });
    },
    async close() {
      isClosing = true;
      await looking;
      await Promise.all([primary.close(), replica?.close()]);
    },
  };
}

const SYSTEM = sql`(SELECT CAST(system_identifier AS text) FROM pg_control_system()) || '/' || current_database()`;

const WHERE_PRIMARY_IS = read(sql`SELECT CAST(pg_current_wal_lsn() AS text) AS lsn, ${SYSTEM} AS system`);

/** Whether a replica has come to a place of the primary's log; the primary itself, which a name may lead to, is always there. */
function hasCome(lsn: string) {
  return read(sql`SELECT CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= CAST(CAST(${lsn} AS text) AS pg_lsn) THEN 1 ELSE 0 END AS far,
    ${SYSTEM} AS system`);
}
