import { DatabaseSync } from 'node:sqlite';
import type { Database } from '../../handler/database/database.ts';
import { migrate } from '../../handler/database/schema.ts';
import { sqliteDatabase } from '../../handler/database/sqlite.ts';

/** A new database in memory. */
export async function testDatabase(): Promise<Database> {
  const database = sqliteDatabase(new DatabaseSync(':memory:'), { defer: setImmediate });
  await migrate(database);
  return database;
}
