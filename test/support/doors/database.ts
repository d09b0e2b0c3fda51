import { isAbsolute, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Database } from '../../../handler/state/database/database.ts';
import { migrate } from '../../../handler/state/database/schema.ts';
import { sqliteDatabase } from '../../../handler/state/database/sqlite.ts';
import { newFolder } from '../folder.ts';

/** The databases that promises can be run on, by name: `TEST_DATABASE=NAME npm run test:fast`. Each opens a new, empty one. */
const databases: Record<string, () => Promise<Database>> = {
  memory: async () => sqliteDatabase(new DatabaseSync(':memory:'), { defer: setImmediate }),
  async file() {
    return sqliteDatabase(new DatabaseSync(join(newFolder(), 'test.db')), { defer: setImmediate });
  },
};

const NAME = process.env.TEST_DATABASE ?? 'memory';
const open = databases[NAME] ?? (isAbsolute(NAME) ? await fromModule(NAME) : refuse());

async function fromModule(path: string): Promise<() => Promise<Database>> {
  return (await import(path)).open;
}

function refuse(): never {
  const names = Object.keys(databases).join(', ');
  throw new Error(
    `TEST_DATABASE is ${NAME}: it must be one of ${names}, or the whole path of a module that exports \`open\``,
  );
}

/** A new database with the newest schema, of the kind that `TEST_DATABASE` names; without it, one in memory. */
export async function testDatabase(): Promise<Database> {
  const database = await open();
  await migrate(database);
  return database;
}
