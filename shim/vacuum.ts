import { parseConfig, substitute } from '../handler/index.ts';
import { readConfigFile } from './config-file.ts';
import { DEFAULT_DATABASE, kindOf } from './database.ts';
import type { Env } from './default-models.ts';

/** Vacuums the configured database, so that its free room goes back to the disk; throws an Error when it cannot. */
export async function vacuum(config: string | undefined, env: Env, say: (line: string) => void): Promise<void> {
  const { database = DEFAULT_DATABASE } = parseConfig(config ? substitute(await readConfigFile(config), env) : {});
  await kindOf(database).vacuum(database, say);
}
