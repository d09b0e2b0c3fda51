import '../promises/all.ts';
import { type PromiseId, runPromises, type Share } from '../promises/promise.ts';
import { openInProcess } from './doors/in-process.ts';

/** What waits for the limit of a turn, as long as all other promises take together. */
const SLOW: readonly PromiseId[] = ['limit.turn', 'conversation-lock.unread'];

/** Runs promises in this process: a share of those that are fast, or those that are slow. */
export function runInProcess(share?: Pick<Share, 'part' | 'of'>): void {
  const takes = (id: PromiseId) => SLOW.includes(id) === (share === undefined);
  runPromises(openInProcess, 'in-process', undefined, { ...share, takes });
}
