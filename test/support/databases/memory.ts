import { DatabaseSync } from 'node:sqlite';
import type { Database } from '../../../handler/index.ts';
import { sqliteDatabase } from '../../../handler/state/database/sqlite.ts';

/** SQLite in memory. */
export async function open(): Promise<Database> {
  return sqliteDatabase(new DatabaseSync(':memory:'), { defer: setImmediate });
}
