import { placed } from './config-file.ts';
import { DEFAULT_DATABASE, kindOf, openDatabase } from './database.ts';
import type { Env } from './default-models.ts';
import type { Flags } from './flags.ts';
import { loadConfig } from './setup.ts';

/** The exit code of `migrate -check` where there is something to do. */
const TO_DO = 2;

/** Where `migrate` writes: the statements that it would run, and what people should know. */
export interface MigrateOutput {
  print(text: string): void;
  say(text: string): void;
}

/**
 * Brings the schema of the configured database to the newest, or with `check` tells what would be done; returns the exit code. Throws
 * an Error that says what is wrong.
 */
export async function migrateCommand(
  { config: path, check }: Pick<Flags, 'config' | 'check'>,
  env: Env,
  { print, say }: MigrateOutput,
): Promise<number> {
  const { config, file } = await loadConfig({ file: path, env });
  const { database = DEFAULT_DATABASE, synchronous } = config;
  const kind = await placed(file, () => kindOf(database));
  if (database.url === 'sqlite::memory:') throw new Error('the database is in memory, and begins with its process');
  const steps = await kind.pendingSteps(database);
  if (steps.length === 0) say('The schema is the newest.');
  if (check) {
    if (steps.length === 0) return 0;
    print(steps.map((step) => `${step.replace(/\n\s+/g, '\n  ')};`).join('\n'));
    say(`The schema is not the newest: ${steps.length} statements bring it there.`);
    return TO_DO;
  }
  await (await openDatabase(database, synchronous)).close();
  if (steps.length > 0) say('The schema is the newest now.');
  return 0;
}
