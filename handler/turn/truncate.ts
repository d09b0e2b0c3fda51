import type { Item } from '../items/item.ts';
import { isAnswer, isCall } from '../items/roles.ts';
import { isCompaction, isInstruction } from './compaction.ts';
import { estimateTokens, type ModelInput } from './estimate.ts';

/** What a model's reply gets of its context when the request does not say how much it may take, or says more than there is. */
const REPLY_PART = 0.25;

/** The tokens that a model's context has for items: what else the model reads is taken off, and so is its `reply`. */
export function roomFor(modelInput: Omit<ModelInput, 'input'>, context: number, reply: number | null): number {
  const reserved = reply !== null && reply < context ? reply : context * REPLY_PART;
  return context - reserved - estimateTokens(modelInput);
}

/**
 * The items without as many of the oldest as it takes to fit into so many tokens, an estimate, or all where `room` is undefined:
 * system and developer messages and summaries stay, and so does the last item, with the call that it answers; a call goes
 * with its output.
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
  // From the newest on, until one does not fit: a gap in the middle would be read as if nothing had been there.
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

/** Outputs whose calls were dropped go too. */
function withoutHalves(items: readonly Item[]): Item[] {
  const calls = new Set<string | null>();
  return items.filter((item) => {
    if (isCall(item)) calls.add(item.call_id);
    return !isAnswer(item) || item.call_id === null || calls.has(item.call_id);
  });
}
