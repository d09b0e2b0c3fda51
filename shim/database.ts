import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Database } from '../handler/database/database.ts';
import { migrate } from '../handler/database/schema.ts';
import { type SqliteOptions, sqliteDatabase } from '../handler/database/sqlite.ts';

/** Where things are kept when the configuration does not say. */
export const DEFAULT_DATABASE = 'sqlite:./data/antiphon.db';

/** Opens `sqlite:PATH` or `sqlite::memory:`, with the newest schema; throws an Error that names it. */
export async function openDatabase(
  url: string,
  synchronous: SqliteOptions['synchronous'] = 'normal',
): Promise<Database> {
  const path = url.replace(/^sqlite:/, '');
  let database: Database | undefined;
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    database = sqliteDatabase(new DatabaseSync(path), { synchronous, defer: setImmediate });
    await migrate(database);
    return database;
  } catch (error) {
    await database?.close();
    throw new Error(`cannot open ${url}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}
