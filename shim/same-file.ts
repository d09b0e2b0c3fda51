import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Interval for checking the file, in milliseconds. */
const POLL_MS = 1_000;

/**
 * Calls `onChange` when the file at a path is replaced or deleted, and when it is back: writes in between are lost. Returns a
 * function that stops watching.
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
