import { Conflict, type Database, UnknownOutcome } from './database/database.ts';
import { read, sql } from './database/sql.ts';

/** How long a write whose outcome is not known is tried again, in milliseconds. */
const PATIENCE_MS = 5_000;

/**
 * Runs a write, and runs it again while nobody knows whether it was done; rejects with the first such error after some seconds. `attempt`
 * hears whether an earlier one may have been done: that one must not be done twice. Where that is by a Conflict, `written` reads what
 * is there if the earlier attempt was the one: it is undefined if somebody else's was.
 */
export async function untilKnown<T>(
  attempt: (again: boolean) => Promise<T>,
  written: () => Promise<T | undefined> = async () => undefined,
): Promise<T> {
  let unknown: unknown;
  let until = 0;
  for (;;) {
    try {
      return await attempt(unknown !== undefined);
    } catch (error) {
      if (unknown === undefined) {
        if (!isUnknown(error)) throw error;
        unknown = error;
        until = performance.now() + PATIENCE_MS;
      } else if (error instanceof Conflict) {
        const found = await written().catch(() => {
          throw unknown;
        });
        if (found === undefined) throw error;
        return found;
      } else if (!isUnknown(error) || performance.now() >= until) throw unknown;
    }
  }
}

/** Whether an error leaves open if what was asked has been done; as the database says it, or as clients are told. */
export function isUnknown(error: unknown): boolean {
  return error instanceof UnknownOutcome || (error instanceof Error && error.cause instanceof UnknownOutcome);
}

/** What has to be there of a turn: while `owner` owns it, so many items of its output and its rounds, and blocks of its log. */
interface WrittenTurn {
  owner?: string;
  items?: number;
  blocks?: number;
}

/** Whether an earlier attempt has written so much of a turn; undefined if not. Whoever asks wrote under an id that only it has, or owned it. */
export async function findWritten(
  { database, tenant }: { database: Database; tenant: string },
  id: string,
  { owner, items = 0, blocks = 0 }: WrittenTurn = {},
): Promise<true | undefined> {
  const { found } = await database.batch({
    found: read(sql`SELECT r.owner,
        (SELECT count(*) FROM items i WHERE i.tenant = r.tenant AND i.holder = r.id AND i.side IN ('output', 'round'))
          AS items,
        (SELECT count(*) FROM events e WHERE e.tenant = r.tenant AND e.response = r.id) AS blocks
      FROM responses r WHERE r.tenant = ${tenant} AND r.id = ${id}`),
  });
  const [row] = found;
  if (!row || (owner !== undefined && row.owner !== owner)) return undefined;
  return Number(row.items) >= items && Number(row.blocks) >= blocks ? true : undefined;
}
