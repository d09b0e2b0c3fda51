import { ApiError } from '../errors.ts';

/** Delay between two attempts, in milliseconds. */
const RETRY_MS = 500;

/** Waits before the next attempt, for at most so many milliseconds. */
export function waitToRetry(maxMs = RETRY_MS): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.min(RETRY_MS, maxMs)));
}

/**
 * Retries a read while the database refuses it, for so many milliseconds or until the signal aborts, and then throws its last
 * error. An ApiError is an answer and thrown at once, unless it is `overloaded`.
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
