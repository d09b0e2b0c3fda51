import { DatabaseSync } from 'node:sqlite';
import type { Database } from '../../../handler/state/database/database.ts';
import { migrate } from '../../../handler/state/database/schema.ts';
import { sqliteDatabase } from '../../../handler/state/database/sqlite.ts';

/** A new database in memory. */
export async function testDatabase(): Promise<Database> {
  const database = sqliteDatabase(new DatabaseSync(':memory:'), { defer: setImmediate });
  await migrate(database);
  return database;
}
