import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** How often a file is looked at, in milliseconds. */
const LOOK = 1_000;

/**
 * Calls `changed` when the file at a path is no more the one that is there now, deleted or replaced, and when it is again: what is
 * written to it meanwhile is lost. Gives what ends that.
 */
export function watchFile(path: string, changed: (there: boolean) => void): () => void {
  const first = statSync(path);
  let there = true;
  const look = async () => {
    const now = await stat(path).catch(() => undefined);
    const same = now?.ino === first.ino && now?.dev === first.dev;
    if (same === there) return;
    there = same;
    changed(there);
  };
  const looks = setInterval(look, LOOK);
  looks.unref();
  return () => clearInterval(looks);
}
