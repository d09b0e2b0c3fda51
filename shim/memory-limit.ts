import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

/**
 * The default of `limits.inFlight`, in bytes: a quarter of the memory that the process may use, which is its container's limit
 * or the machine's memory, and at most half of Node's heap, where what is parsed lies.
 */
export function defaultInFlight(): number {
  // 0 or an absurd number where nothing limits it.
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.floor(Math.min(limit / 4, totalmem() / 4, getHeapStatistics().heap_size_limit / 2));
}
