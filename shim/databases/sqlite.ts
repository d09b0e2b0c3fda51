import { chmodSync, closeSync, existsSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Database, type DatabaseUrls, describe, log } from '../../handler/index.ts';
import { migrate, stepsFrom } from '../../handler/state/database/schema.ts';
import { sqliteDatabase } from '../../handler/state/database/sqlite.ts';
import { keepCheckpoints } from '../checkpoints.ts';
import { Reserve } from '../reserve.ts';
import { watchFile } from '../same-file.ts';
import type { DatabaseKind, Synchronous, Trouble } from './kind.ts';
import { vacuumSqlite } from './sqlite-vacuum.ts';

/** SQLite, in a file or in memory. */
export const sqlite: DatabaseKind = {
  form: 'sqlite:PATH, or sqlite::memory: for one that ends with the process',
  open: openSqlite,
  pendingSteps: pendingSqlite,
  scrub: scrubSqlite,
  vacuum: vacuumSqlite,
};

/** File mode: only the owner may read and write. */
const OWNER_ONLY = 0o600;

/**
 * Log size in pages at which a commit checkpoints by itself: SQLite's default, for when there is no checkpoint thread, and a
 * higher one for when the thread falls behind.
 */
const [INLINE_CHECKPOINT_PAGES, FALLBACK_CHECKPOINT_PAGES] = [1_000, 32_768];

/** Interval for checking the reserve and a full disk, in milliseconds. */
const POLL_MS = 2_000;

/**
 * Opens a database and migrates it; throws an Error that names it. Its files get mode 0600, new or
 * not, since they contain what users said. With `trouble` the file is supervised while it is open: a thread checkpoints the
 * log, so that commits need not wait for the disk; a reserve is kept for a full disk; and once the path has another file,
 * nothing is read or written.
 */
async function openSqlite({ url }: DatabaseUrls, synchronous: Synchronous, trouble?: Trouble): Promise<Database> {
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

/** What a start would do to the schema; a file that is not there is not made. */
async function pendingSqlite({ url }: DatabaseUrls): Promise<string[]> {
  const path = url.replace(/^sqlite:/, '');
  if (!existsSync(path)) return stepsFrom(0);
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(path, { readOnly: true });
    const [table] = connection.prepare("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").all();
    const [row] = table ? connection.prepare('SELECT max(version) AS version FROM migrations').all() : [];
    return stepsFrom(Number(row?.version ?? 0));
  } catch (error) {
    throw new Error(`cannot read ${url}: ${error instanceof Error ? error.message : error}`, { cause: error });
  } finally {
    connection?.close();
  }
}

/** Writes the log back and empties it, since it has pages as they were. */
async function scrubSqlite({ url }: DatabaseUrls): Promise<boolean> {
  const connection = new DatabaseSync(url.replace(/^sqlite:/, ''));
  try {
    connection.exec('PRAGMA busy_timeout = 5000');
    return connection.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy === 0;
  } finally {
    connection.close();
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
      // Do not close it: SQLite would delete the log of the file that is at the path by now.
      if (isThere) await database.close();
    },
  };
}

/** Restricts the files of a database to their owner. SQLite creates later ones with the mode of the first, so once is enough. */
function restrict(path: string): void {
  const file = realpathSync(path); // SQLite derives the other names from it
  for (const name of [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]) {
    try {
      if (existsSync(name)) chmodSync(name, OWNER_ONLY);
    } catch (error) {
      // Another user owns the file, or the volume has no modes: that is no reason to refuse to start.
      log.warn('a file of the database may be read by others', { error: describe(error) });
    }
  }
}
