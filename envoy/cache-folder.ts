import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * The folder for what can be made or fetched again, below the user's own: `XDG_CACHE_HOME`, or `.cache` in their home. What lies
 * there is run, so it is never below the working directory: a path that is empty or relative is passed over, as XDG says.
 */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME: cache = '' } = process.env;
  if (isAbsolute(cache)) return join(cache, 'antiphon');
  const home = homedir();
  return join(isAbsolute(home) ? home : userInfo().homedir, '.cache', 'antiphon');
}
