import { unsupported } from '../errors.ts';
import type { Item } from '../protocol/items.ts';
import { estimateTokens } from './estimate.ts';
import { isAnswer, isCall } from './input.ts';

/** What a model's reply gets of its context when the request does not say how much it may take. */
const REPLY_PART = 0.25;

/**
 * The items without as many of the oldest as it takes to fit the model's context, an estimate: system and developer
 * messages stay, and so does the last item, with the call that it answers; a call goes with its output. Throws an ApiError when the context is not known.
 */
export function truncate(
  items: readonly Item[],
  context: number | undefined,
  instructions: string | null,
  reply: number | null,
): Item[] {
  if (context === undefined) throw unsupported('truncation', 'needs the context of the model in the configuration');
  let left = context - (reply ?? context * REPLY_PART) - estimateTokens({ instructions });
  const keeps = items.map(stays);
  const last = items.at(-1);
  const answered = last && isAnswer(last) ? items.findLastIndex((it) => isCall(it) && it.call_id === last.call_id) : -1;
  if (answered >= 0) keeps[answered] = true;
  for (const [index, item] of items.entries()) if (keeps[index]) left -= estimateTokens({ input: [item] });
  // From the newest on, until one does not fit: a gap in the middle would be read as if nothing had been there.
  for (let index = items.length - 1; index >= 0; index--) {
    const item = items[index];
    if (!item || keeps[index]) continue;
    left -= estimateTokens({ input: [item] });
    if (left < 0 && index < items.length - 1) break;
    keeps[index] = true;
  }
  return withoutHalves(items.filter((_, index) => keeps[index]));
}

function stays(item: Item): boolean {
  return item.type === 'message' && (item.role === 'system' || item.role === 'developer');
}

/** Outputs whose calls were dropped go too. */
function withoutHalves(items: readonly Item[]): Item[] {
  const calls = new Set<string | null>();
  return items.filter((item) => {
    if (isCall(item)) calls.add(item.call_id);
    return !isAnswer(item) || item.call_id === null || calls.has(item.call_id);
  });
}
