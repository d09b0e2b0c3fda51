import { ApiError } from '../errors.ts';

/** What the database refused is tried again so much later, in milliseconds. */
const RETRY_MS = 500;

/** Waits until it is time to try again what the database refused, for at most so many milliseconds. */
export function waitToRetry(maxMs = RETRY_MS): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.min(RETRY_MS, maxMs)));
}

/**
 * Reads what the database may refuse for a while: again and again for so many milliseconds, or until the signal aborts, and
 * then throws what it last refused with. An ApiError is an answer, and thrown at once, unless there
 * was no room for what is read.
 */
export async function retryRead<T>(read: () => Promise<T>, maxMs: number, signal?: AbortSignal): Promise<T> {
  const until = performance.now() + maxMs;
  for (;;) {
    try {
      return await read();
    } catch (error) {
      const answer = error instanceof ApiError && error.kind !== 'overloaded';
      if (answer || signal?.aborted || performance.now() >= until) throw error;
    }
    await waitToRetry(until - performance.now());
  }
}
