import { chmodSync, closeSync, existsSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, log } from '../handler/index.ts';
import type { Database } from '../handler/state/database/database.ts';
import { migrate } from '../handler/state/database/schema.ts';
import { type SqliteOptions, sqliteDatabase } from '../handler/state/database/sqlite.ts';
import { keepCheckpoints } from './checkpoints.ts';
import { Reserve } from './reserve.ts';
import { watchFile } from './same-file.ts';

/** Where things are kept when the configuration does not say. */
export const DEFAULT_DATABASE = 'sqlite:./data/antiphon.db';

/** The mode of a file that only its owner may read and write. */
const OWNER_ONLY = 0o600;

/** Pages in the log after which a commit writes them back: where nobody else does, as SQLite has it, and where a thread falls behind. */
const [INLINE_CHECKPOINT_PAGES, FALLBACK_CHECKPOINT_PAGES] = [1_000, 32_768];

/** How often the reserve, and a disk that was full, is looked at, in milliseconds. */
const POLL_MS = 2_000;

/** Hears that something is wrong with the disk, or with the database's file, or is so no more. */
export type Trouble = (what: 'storage' | 'database', holds: boolean) => void;

/**
 * Opens `sqlite:PATH` or `sqlite::memory:`, with the newest schema; throws an Error that names it. Its files are for their
 * owner only (0600), new or not: they hold what users said. With `trouble` its file is looked after as long as it is open: a
 * thread writes the log back, for which commits would else wait for the disk; a reserve is kept beside it for a full disk; and
 * once it is not the file at its path any more, nothing is read or written.
 */
export async function openDatabase(
  url: string,
  synchronous: SqliteOptions['synchronous'] = 'normal',
  trouble?: Trouble,
): Promise<Database> {
  const path = url.replace(/^sqlite:/, '');
  let database: Database | undefined;
  try {
    if (path === ':memory:') {
      database = sqliteDatabase(new DatabaseSync(path), { synchronous, defer: setImmediate });
      await migrate(database);
      return database;
    }
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, 'a', OWNER_ONLY));
    restrict(path);
    const file = realpathSync(path);
    const reserve = trouble && new Reserve(file);
    await reserve?.makeRoom();
    const connection = new DatabaseSync(path);
    const options = { synchronous, defer: setImmediate, ...(reserve && { reserve }) };
    const sqlite = sqliteDatabase(connection, options);
    database = sqlite;
    await migrate(sqlite);
    return trouble && reserve ? await superviseFile(file, connection, sqlite, reserve, trouble) : sqlite;
  } catch (error) {
    await database?.close();
    throw new Error(`cannot open ${url}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

async function superviseFile(
  file: string,
  connection: DatabaseSync,
  database: Database,
  reserve: Reserve,
  trouble: Trouble,
): Promise<Database> {
  const checkpoints = await keepCheckpoints(file, (error) => {
    log.warn('commits write the log back themselves', { error: describe(error) });
    connection.exec(`PRAGMA wal_autocheckpoint = ${INLINE_CHECKPOINT_PAGES}`);
  });
  connection.exec(`PRAGMA wal_autocheckpoint = ${FALLBACK_CHECKPOINT_PAGES}`);

  reserve.onChange = (full) => {
    log.error(full ? 'the disk is full' : 'the disk has room again');
    checkpoints.full(full);
    trouble('storage', full);
  };

  let isThere = true;
  const endWatching = watchFile(file, (there) => {
    isThere = there;
    log.error(there ? 'the file of the database is back' : 'the file of the database was deleted or replaced');
    trouble('database', !there);
  });

  const makeReserve = () =>
    reserve.make(database.storage?.()?.free).catch((error) => {
      log.warn('there is no reserve for a full disk', { error: describe(error) });
    });
  if (reserve.isFull) reserve.onChange(true);
  await makeReserve();
  const poll = setInterval(makeReserve, POLL_MS);
  poll.unref();

  return {
    ...database,
    batch(statements) {
      if (isThere) return database.batch(statements);
      return Promise.reject(new Error('the file of the database was deleted or replaced'));
    },
    async close() {
      clearInterval(poll);
      endWatching();
      await checkpoints.end();
      // To close it would delete the log of whatever is at its path by now.
      if (isThere) await database.close();
    },
  };
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
