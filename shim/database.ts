import { chmodSync, closeSync, existsSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Database } from '../handler/database/database.ts';
import { migrate } from '../handler/database/schema.ts';
import { type SqliteOptions, sqliteDatabase } from '../handler/database/sqlite.ts';
import { describe, log } from '../handler/index.ts';
import { keepCheckpoints } from './checkpoints.ts';

/** Where things are kept when the configuration does not say. */
export const DEFAULT_DATABASE = 'sqlite:./data/antiphon.db';

/** The mode of a file that only its owner may read and write. */
const OWNER_ONLY = 0o600;

/** Pages in the log after which a commit writes them back: where nobody else does, as SQLite has it, and where a thread falls behind. */
const [OWN_CHECKPOINT, LAST_CHECKPOINT] = [1_000, 32_768];

/**
 * Opens `sqlite:PATH` or `sqlite::memory:`, with the newest schema; throws an Error that names it. Its files are for their
 * owner only (0600), new or not: they hold what users said. With `thread`, a thread writes the log back into the file, for which
 * commits would else wait now and then.
 */
export async function openDatabase(
  url: string,
  synchronous: SqliteOptions['synchronous'] = 'normal',
  { thread = false } = {},
): Promise<Database> {
  const path = url.replace(/^sqlite:/, '');
  let database: Database | undefined;
  try {
    if (path !== ':memory:') {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      closeSync(openSync(path, 'a', OWNER_ONLY));
      restrict(path);
    }
    const connection = new DatabaseSync(path);
    const opened = sqliteDatabase(connection, { synchronous, defer: setImmediate });
    database = opened;
    await migrate(opened);
    if (!thread || path === ':memory:') return opened;
    const endThread = await keepCheckpoints(realpathSync(path), (error) => {
      log.warn('commits write the log back themselves', { error: describe(error) });
      connection.exec(`PRAGMA wal_autocheckpoint = ${OWN_CHECKPOINT}`);
    });
    connection.exec(`PRAGMA wal_autocheckpoint = ${LAST_CHECKPOINT}`);
    return {
      ...opened,
      async close() {
        await endThread();
        await opened.close();
      },
    };
  } catch (error) {
    await database?.close();
    throw new Error(`cannot open ${url}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** Takes a database's files from all but their owner. SQLite makes the others like the first, so they need it once. */
function restrict(path: string): void {
  const file = realpathSync(path); // SQLite names the others by it
  for (const name of [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]) {
    try {
      if (existsSync(name)) chmodSync(name, OWNER_ONLY);
    } catch (error) {
      // Somebody else's file, or a volume without modes: it was opened before, and is opened now.
      log.warn('a file of the database may be read by others', { error: describe(error) });
    }
  }
}
