import { existsSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/**
 * Vacuums a database, and turns incremental vacuum on, so that free pages go back to the disk from then on. Throws an Error
 * when there is no database, or when it is in use.
 */
export async function vacuumSqlite(url: string, say: (line: string) => void): Promise<void> {
  const path = url.replace(/^sqlite:/, '');
  if (path === ':memory:') throw new Error('a database in memory ends with its process: there is nothing to vacuum');
  if (!existsSync(path)) throw new Error(`there is no database at ${path}`);
  const before = statSync(path).size;
  say(
    `${path}: ${megabytes(before)}; it takes as much again on its disk, and for a while in the folder for temporary files`,
  );
  const connection = new DatabaseSync(path);
  try {
    connection.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT');
    connection.exec('PRAGMA auto_vacuum = INCREMENTAL; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    const busy = error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5;
    const why = error instanceof Error ? error.message : String(error);
    const message = busy ? `${path} is in use: stop Antiphon first` : `cannot vacuum ${path}: ${why}`;
    throw new Error(message, { cause: error });
  } finally {
    connection.close();
  }
  say(`${path}: ${megabytes(statSync(path).size)}`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
