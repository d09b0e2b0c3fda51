import { placed } from './config-file.ts';
import { DEFAULT_DATABASE, kindOf } from './database.ts';
import type { Env } from './default-models.ts';
import { loadConfig } from './setup.ts';

/** Vacuums the configured database, so that its free room goes back to the disk; throws an Error when it cannot. */
export async function vacuum(path: string | undefined, env: Env, say: (line: string) => void): Promise<void> {
  const { config, file } = await loadConfig({ file: path, env });
  const { database = DEFAULT_DATABASE } = config;
  await (await placed(file, () => kindOf(database))).vacuum(database.url, say);
}
