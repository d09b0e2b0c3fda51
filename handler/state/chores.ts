import type { Database } from './database/database.ts';
import { list, sql, write } from './database/sql.ts';

/**
 * Takes a chore that one process is to do for all, for so many milliseconds: the one that has it keeps it by taking it again, and when
 * its time is over any other gets it. Says whether this process has it.
 */
export async function takeChore(database: Database, name: string, owner: string, ms: number): Promise<boolean> {
  const now = Date.now();
  const { taken } = await database.batch({
    taken: write(sql`INSERT INTO chores (name, owner, until) VALUES (${name}, ${owner}, ${now + ms})
      ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
        WHERE chores.owner = excluded.owner OR chores.until < ${now} RETURNING name`),
  });
  return taken.length > 0;
}

/** Leaves those of these chores that a process has, for any other to take at once. */
export async function leaveChores(database: Database, names: readonly string[], owner: string): Promise<void> {
  await database.batch({ left: write(sql`DELETE FROM chores WHERE name IN (${list(names)}) AND owner = ${owner}`) });
}
