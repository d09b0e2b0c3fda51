import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

/**
 * The default of `limits.inFlight`, in bytes: a quarter of the memory of the container or machine, and at most half of Node's
 * heap, which holds parsed values.
 */
export function defaultInFlight(): number {
  // 0 or a huge number means no limit.
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.floor(Math.min(limit / 4, totalmem() / 4, getHeapStatistics().heap_size_limit / 2));
}
