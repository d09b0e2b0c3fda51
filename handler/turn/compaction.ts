import { ApiError } from '../errors.ts';
import { type Compaction, SealedSummary } from '../items/compaction.ts';
import { type ClientItem, type Item, toItem } from '../items/item.ts';
import type { Message } from '../items/message.ts';
import { isAnswer, isCall, isDirective } from '../items/roles.ts';
import { parseJson } from '../parse-json.ts';
import { isObject } from '../protocol/json.ts';
import { isSealed, type Seal } from '../seal.ts';
import { check } from '../validate.ts';

/** The heading of a summary that the model reads. */
const TITLE = 'Summary of the conversation so far:';

/**
 * The items from the latest compaction on. If that is in the turn's own input, the user's messages and directives
 * before it stay, as the compact endpoint returns them.
 */
export function fromLatestCompaction(history: readonly Item[], own: readonly Item[]): Item[] {
  const inOwn = own.findLastIndex(isCompaction);
  if (inOwn >= 0) return [...own.slice(0, inOwn).filter(staysBefore), ...own.slice(inOwn)];
  const inBefore = history.findLastIndex(isCompaction);
  return [...history.slice(Math.max(0, inBefore)), ...own];
}

/** The compaction a turn starts from: the latest new one in its input, else the latest in its history. */
export function latestCompaction(
  history: readonly Item[],
  input: readonly ClientItem[],
): { encrypted_content: string } | undefined {
  const compactions = input.filter((item) => item.type === 'compaction');
  const known = new Set(compactions.length > 0 ? history.map(({ id }) => id) : []);
  return compactions.findLast(({ id }) => !id || !known.has(id)) ?? history.findLast(isCompaction);
}

/** Whether an item is a compaction. */
export function isCompaction(item: Item): item is Compaction {
  return item.type === 'compaction';
}

function staysBefore(item: Item): boolean {
  if (item.type === 'message') return item.role !== 'assistant';
  return isDirective(item);
}

/**
 * The model's input after a compaction: the summary, then the user's latest message, but for one that came between a call
 * and its output, and what followed it.
 */
export function afterCompaction(summary: readonly Item[], items: readonly Item[]): Item[] {
  let latest = items.length;
  const waiting = new Set<string | null>();
  for (const [index, item] of items.entries()) {
    if (isCall(item)) waiting.add(item.call_id);
    else if (isAnswer(item)) waiting.delete(item.call_id);
    else if (item.type === 'message' && item.role === 'user' && waiting.size === 0) latest = index;
  }
  return [...summary, ...items.slice(latest)];
}

/** A summary of a conversation. */
export interface Summary {
  text: string;
  /** Its system and developer messages, word for word. */
  instructions: Pick<Message, 'role' | 'content'>[];
}

/** The summary of these items, from the text that a model wrote. */
export function summaryOf(items: readonly Item[], text: string): Summary {
  const instructions = items.filter((item) => item.type === 'message').filter(isInstruction);
  return { text, instructions: instructions.map(({ role, content }) => ({ role, content })) };
}

/** Whether a message instructs the model, as system or developer. */
export function isInstruction({ role }: Pick<Message, 'role'>): boolean {
  return role === 'system' || role === 'developer';
}

/** A summary as model input: its instructions, except those repeated in `others`, then the text. */
export function summaryItems(id: string, { text, instructions }: Summary, others: readonly Item[] = []): Message[] {
  const known = new Set(others.map((item) => (item.type === 'message' ? JSON.stringify(item.content) : '')));
  const standing = instructions.filter(({ content }) => !known.has(JSON.stringify(content)));
  const content = [{ type: 'input_text' as const, text: `${TITLE}\n\n${text}` }];
  const messages = [...standing, { role: 'user' as const, content }];
  return messages.map((message, at) => ({ type: 'message', id: `${id}_${at}`, status: 'completed', ...message }));
}

/**
 * The summary in sealed content; a text that is no object is an old summary without instructions. Undefined if it is
 * no summary: version 1 was bound to no purpose, and opens anything that was sealed.
 */
function readSummary(sealed: string): Summary | undefined {
  let value: unknown;
  try {
    value = parseJson(sealed);
  } catch {
    return { text: sealed, instructions: [] };
  }
  if (!isObject(value)) return { text: sealed, instructions: [] };
  try {
    const { text, instructions } = check(SealedSummary, value);
    const messages = instructions.map((message) => toItem({ type: 'message', ...message }));
    return { text, instructions: messages.map(({ role, content }) => ({ role, content })) };
  } catch {
    return undefined;
  }
}

/** Summaries by their encrypted_content; undefined for sealed content that is no summary. */
export type Summaries = ReadonlyMap<string, Summary | undefined>;

/** Opens the compactions that this deployment sealed; those that cannot be opened are left out. */
export async function openSummaries(
  seal: Seal,
  compactions: readonly Pick<Compaction, 'encrypted_content'>[],
): Promise<Summaries> {
  const opened = new Map<string, Summary | undefined>();
  for (const { encrypted_content } of compactions) {
    const text = isSealed(encrypted_content) ? await seal.open('compaction', encrypted_content) : undefined;
    if (text !== undefined) opened.set(encrypted_content, readSummary(text));
  }
  return opened;
}

/**
 * The items with our compactions replaced by their summaries; those of a model server stay. Throws an ApiError that
 * names `param` for one that could not be opened.
 */
export function withSummaries(items: readonly Item[], summaries: Summaries, param = 'input'): readonly Item[] {
  if (!items.some(isCompaction)) return items;
  return items.flatMap((item) => {
    if (!isCompaction(item) || !isSealed(item.encrypted_content)) return item;
    const summary = summaries.get(item.encrypted_content);
    if (summary) return summaryItems(item.id, summary, items);
    const why = summaries.has(item.encrypted_content) ? 'it holds no summary' : 'another deployment has sealed it';
    throw new ApiError('unreadable', `The encrypted_content of a compaction cannot be read: ${why}.`, { param });
  });
}
