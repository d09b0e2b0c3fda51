import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** How often a file is looked at, in milliseconds. */
const POLL_MS = 1_000;

/**
 * Calls `onChange` when the file at a path is no more the one that is there now, deleted or replaced, and when it is again: what is
 * written to it meanwhile is lost. Gives what ends that.
 */
export function watchFile(path: string, onChange: (there: boolean) => void): () => void {
  const first = statSync(path);
  let there = true;
  const check = async () => {
    const now = await stat(path).catch(() => undefined);
    const same = now?.ino === first.ino && now?.dev === first.dev;
    if (same === there) return;
    there = same;
    onChange(there);
  };
  const poll = setInterval(check, POLL_MS);
  poll.unref();
  return () => clearInterval(poll);
}
