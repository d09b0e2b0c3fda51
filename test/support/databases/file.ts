import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Database } from '../../../handler/index.ts';
import { sqliteDatabase } from '../../../handler/state/database/sqlite.ts';
import { newFolder } from '../folder.ts';

/** SQLite in a file. */
export async function open(): Promise<Database> {
  return sqliteDatabase(new DatabaseSync(join(newFolder(), 'test.db')), { defer: setImmediate });
}
