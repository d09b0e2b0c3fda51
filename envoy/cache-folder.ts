import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder for what can be made or fetched again, below the user's own: `XDG_CACHE_HOME`, or `.cache` in their home. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'antiphon');
}
