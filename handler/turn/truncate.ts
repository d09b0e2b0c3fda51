import type { Item } from '../items/item.ts';
import { isAnswer, isCall } from '../items/roles.ts';
import { isCompaction, isInstruction } from './compaction.ts';
import { estimateTokens, type ModelInput } from './estimate.ts';

/** The part of the context reserved for the reply, unless max_output_tokens says it and fits. */
const REPLY_PART = 0.25;

/** The tokens a context has for items: without the rest of the input, and the reply. */
export function roomFor(modelInput: Omit<ModelInput, 'input'>, context: number, reply: number | null): number {
  const reserved = reply !== null && reply < context ? reply : context * REPLY_PART;
  return context - reserved - estimateTokens(modelInput);
}

/**
 * The items that fit into `room` tokens (estimated), dropping the oldest; all items if `room` is undefined. System
 * and developer messages, compactions and the last item stay; a call and its output stay or go together.
 */
export function truncate(items: readonly Item[], room: number | undefined): readonly Item[] {
  if (room === undefined) return items;
  let remaining = room;
  const keeps = items.map(stays);
  const last = items.at(-1);
  const callIndex =
    last && isAnswer(last) ? items.findLastIndex((it) => isCall(it) && it.call_id === last.call_id) : -1;
  if (callIndex >= 0) keeps[callIndex] = true;
  for (const [index, item] of items.entries()) if (keeps[index]) remaining -= estimateTokens({ input: [item] });
  // Newest first, up to the first that does not fit: a gap in the middle would mislead the model.
  for (let index = items.length - 1; index >= 0; index--) {
    const item = items[index];
    if (!item || keeps[index]) continue;
    remaining -= estimateTokens({ input: [item] });
    if (remaining < 0 && index < items.length - 1) break;
    keeps[index] = true;
  }
  return withoutHalves(items.filter((_, index) => keeps[index]));
}

function stays(item: Item): boolean {
  return item.type === 'message' ? isInstruction(item) : isCompaction(item);
}

/** Drops outputs whose calls were dropped. */
function withoutHalves(items: readonly Item[]): Item[] {
  const calls = new Set<string | null>();
  return items.filter((item) => {
    if (isCall(item)) calls.add(item.call_id);
    return !isAnswer(item) || item.call_id === null || calls.has(item.call_id);
  });
}
