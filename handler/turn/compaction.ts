import { ApiError } from '../errors.ts';
import type { Compaction, Item, Message } from '../protocol/items.ts';
import { isSealed, type Seal } from '../seal.ts';

/** How a summary begins where the model reads it. */
const TITLE = 'Summary of the conversation so far:';

/**
 * The items from the latest compaction on, which stands for what was before it. Of the turn's own input what the user said
 * before it stays, as the compact endpoint gives it.
 */
export function fromLatestCompaction(before: readonly Item[], own: readonly Item[]): Item[] {
  const inOwn = own.findLastIndex(isCompaction);
  if (inOwn >= 0) return [...own.slice(0, inOwn).filter(staysBefore), ...own.slice(inOwn)];
  const inBefore = before.findLastIndex(isCompaction);
  return [...before.slice(Math.max(0, inBefore)), ...own];
}

/** Whether an item stands for what was said before it. */
export function isCompaction(item: Item): item is Compaction {
  return item.type === 'compaction';
}

function staysBefore(item: Item): boolean {
  if (item.type === 'message') return item.role !== 'assistant';
  return item.type === 'additional_tools' || item.type === 'configuration_update';
}

/** What the model goes on from once all that was said is in a summary: that, and the user's latest words with what followed. */
export function afterCompaction(summary: Item, items: readonly Item[]): Item[] {
  const latest = items.findLastIndex((item) => item.type === 'message' && item.role === 'user');
  const standing = items.slice(0, Math.max(0, latest)).filter(isInstruction);
  return [...standing, summary, ...(latest < 0 ? [] : items.slice(latest))];
}

function isInstruction(item: Item): boolean {
  return item.type === 'message' && (item.role === 'system' || item.role === 'developer');
}

/** A summary as the model reads it. */
export function summaryMessage(id: string, text: string): Message {
  const content = [{ type: 'input_text' as const, text: `${TITLE}\n\n${text}` }];
  return { type: 'message', id, role: 'user', status: 'completed', content };
}

/**
 * The items with what we have sealed as the model reads it. Throws an ApiError for what cannot be opened; what a model's
 * server has sealed stays as it is.
 */
export function openCompactions(seal: Seal, items: readonly Item[]): Promise<Item[]> {
  return Promise.all(
    items.map(async (item) => {
      if (!isCompaction(item) || !isSealed(item.encrypted_content)) return item;
      const text = await seal.open(item.encrypted_content);
      if (text !== undefined) return summaryMessage(item.id, text);
      const message = 'The encrypted_content of a compaction cannot be read: another deployment has sealed it.';
      throw new ApiError('unreadable', message, { param: 'input' });
    }),
  );
}
