import { ApiError } from '../errors.ts';
import type { Compaction, Item, Message } from '../protocol/items.ts';
import { isObject } from '../protocol/json.ts';
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
export function afterCompaction(summary: readonly Item[], items: readonly Item[]): Item[] {
  const latest = items.findLastIndex((item) => item.type === 'message' && item.role === 'user');
  return [...summary, ...(latest < 0 ? [] : items.slice(latest))];
}

/** A conversation summed up. */
export interface Summary {
  text: string;
  /** What system and developer messages said in it, which stays as it was. */
  instructions: Pick<Message, 'role' | 'content'>[];
}

/** The summary of what a model heard, once it has been written. */
export function summaryOf(heard: readonly Item[], text: string): Summary {
  const instructions = heard.filter((item) => item.type === 'message').filter(isInstruction);
  return { text, instructions: instructions.map(({ role, content }) => ({ role, content })) };
}

/** Whether a message instructs the model, as system or developer. */
export function isInstruction({ role }: Pick<Message, 'role'>): boolean {
  return role === 'system' || role === 'developer';
}

/** A summary as the model reads it: what instructed it before, but for what stands among `others` as well, and the rest in short. */
export function summaryItems(id: string, { text, instructions }: Summary, others: readonly Item[] = []): Message[] {
  const known = new Set(others.map((item) => (item.type === 'message' ? JSON.stringify(item.content) : '')));
  const standing = instructions.filter(({ content }) => !known.has(JSON.stringify(content)));
  const content = [{ type: 'input_text' as const, text: `${TITLE}\n\n${text}` }];
  const messages = [...standing, { role: 'user' as const, content }];
  return messages.map((message, at) => ({ type: 'message', id: `${id}_${at}`, status: 'completed', ...message }));
}

/** What was sealed as a summary; another text that we have sealed is one without instructions. */
function readSummary(sealed: string): Summary {
  try {
    const value: unknown = JSON.parse(sealed);
    if (isObject(value) && typeof value.text === 'string' && Array.isArray(value.instructions))
      return { text: value.text, instructions: value.instructions };
  } catch {
    // Told as it is.
  }
  return { text: sealed, instructions: [] };
}

/**
 * The items with what we have sealed as the model reads it. Throws an ApiError for what cannot be opened; what a model's
 * server has sealed stays as it is.
 */
export async function openCompactions(seal: Seal, items: readonly Item[]): Promise<Item[]> {
  const opened = await Promise.all(
    items.map(async (item) => {
      if (!isCompaction(item) || !isSealed(item.encrypted_content)) return item;
      const text = await seal.open(item.encrypted_content);
      if (text !== undefined) return summaryItems(item.id, readSummary(text), items);
      const message = 'The encrypted_content of a compaction cannot be read: another deployment has sealed it.';
      throw new ApiError('unreadable', message, { param: 'input' });
    }),
  );
  return opened.flat();
}
