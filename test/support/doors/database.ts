import { readdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Database } from '../../../handler/state/database/database.ts';
import { migrate } from '../../../handler/state/database/schema.ts';

// Each file there exports `open`, which opens a new, empty one.
const DATABASES = join(import.meta.dirname, '../databases');

const NAME = process.env.TEST_DATABASE ?? 'memory';
const { open }: { open(): Promise<Database> } = await import(isAbsolute(NAME) ? NAME : known(NAME));

function known(name: string): string {
  const file = `${name}.ts`;
  const files = readdirSync(DATABASES);
  if (files.includes(file)) return join(DATABASES, file);
  const names = files.map((file) => file.replace(/\.ts$/, '')).join(', ');
  throw new Error(
    `TEST_DATABASE is ${name}: it must be one of ${names}, or the whole path of a module that exports \`open\``,
  );
}

/** A new database with the newest schema, of the kind that `TEST_DATABASE` names; without it, one in memory. */
export async function testDatabase(): Promise<Database> {
  const database = await open();
  await migrate(database);
  return database;
}
