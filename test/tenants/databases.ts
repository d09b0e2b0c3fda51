import type { Database } from '../../handler/index.ts';
import { migrate } from '../../handler/state/database/schema.ts';
import { open as openFile } from '../support/databases/file.ts';
import { open as openMemory } from '../support/databases/memory.ts';

async function migrated(opening: Promise<Database>): Promise<Database> {
  const database = await opening;
  await migrate(database);
  return database;
}

/** SQLite in memory, with the newest schema. */
export const memoryDatabase = () => migrated(openMemory());

/** SQLite in a file, with the newest schema. */
export const fileDatabase = () => migrated(openFile());
