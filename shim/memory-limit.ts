import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

/**
 * The default of `limits.inFlight`, in bytes: a quarter of the memory of the container or machine, and at most half of Node's
 * heap, which holds parsed values. Processes that share a machine share the quarter.
 */
export function defaultInFlight(processes: unknown = 1): number {
  // 0 or a huge number means no limit.
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  const sharing = Number.isInteger(processes) ? Math.max(1, Number(processes)) : 1; // before it is checked
  const own = Math.min(limit, totalmem()) / 4 / sharing;
  return Math.floor(Math.min(own, getHeapStatistics().heap_size_limit / 2));
}
