import type { Item } from '../../items/item.ts';
import type { ToolAnswer } from '../../items/kind.ts';
import type { Message } from '../../items/message.ts';
import { isOfTool } from '../../items/roles.ts';
import { answerOf, callOf } from '../../items/views.ts';
import { fixedLimits } from '../../limits.ts';
import { countMembers } from '../../parse-json.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { unreadable, wordsOf } from '../functions/words.ts';
import { type CacheBreakpoint, type ContentBlock, toBlocks } from './parts.ts';
import { type Thought, unsealThought } from './sealed-thought.ts';

type ToolUseBlock = { type: 'tool_use'; id: string; name: string; input: JsonObject };
type ToolResultBlock = { type: 'tool_result'; tool_use_id: string; content?: string | ContentBlock[]; is_error?: true };
type Block = ContentBlock | Thought | ToolUseBlock | ToolResultBlock;

/** A message of the Messages API, where roles alternate. */
export interface MessageParam {
  role: 'user' | 'assistant';
  content: Block[];
}

/** An input as the Messages API takes it. */
export interface MessagesInput {
  system: ContentBlock[];
  messages: MessageParam[];
  /** The cache breakpoints, in order. */
  breakpoints: CacheBreakpoint[];
}

/** A first user message, which the API requires. Conversations may begin with a greeting, or be truncated. */
const BEGINNING: MessageParam = { role: 'user', content: [{ type: 'text', text: '(The assistant begins.)' }] };

/**
 * Items as messages of alternating roles. Instructions go to `system` wherever they stood, since only some models
 * take them in between. Tool results come first in the message after their calls. Throws an ApiError for an item that
 * no message can hold.
 */
export function toConversation(instructions: string | null, input: readonly Item[]): MessagesInput {
  const system: ContentBlock[] = instructions?.trim() ? [{ type: 'text', text: instructions }] : [];
  const breakpoints: CacheBreakpoint[] = [];
  const messages: MessageParam[] = [];
  /** The latest call of each id: its id on the wire, and its message. */
  const calls = new Map<string, { id: string; message: MessageParam | undefined }>();
  /** Ids on the wire, and how many suffixed copies each has. */
  const usedIds = new Map<string, number>();
  /** The tool results for the calls of each message; under undefined those without a call. */
  const results = new Map<MessageParam | undefined, ToolResultBlock[]>();
  const readArguments = argumentsReader();
  const blocks = (part: Message['content'][number]) => toBlocks(part, breakpoints);
  const append = (role: MessageParam['role'], added: Block[]) => {
    const last = messages.at(-1);
    return say(messages, role, added, results.has(last) ? null : last);
  };
  for (const item of input) {
    if (item.type === 'message') {
      if (item.role !== 'user') wordsOf(item); // refuses what is shown, which only users can
      const content = item.content.flatMap(blocks);
      if (item.role === 'user' || item.role === 'assistant') append(item.role, content);
      else system.push(...content);
      continue;
    }
    if (item.type === 'reasoning') {
      const thought = unsealThought(item.encrypted_content);
      if (thought) append('assistant', [thought]);
      continue;
    }
    if (!isOfTool(item)) throw unreadable(item);
    const call = callOf(item);
    const answer = answerOf(item);
    if (call) {
      const id = usable(call.id, usedIds);
      calls.set(call.id, {
        id,
        message: append('assistant', [{ type: 'tool_use', id, name: call.name, input: readArguments(call.arguments) }]),
      });
    }
    if (answer) {
      const { id, message } = calls.get(answer.id) ?? { id: usable(answer.id, usedIds), message: undefined };
      const result = toolResult(answer, id, blocks);
      const others = results.get(message);
      if (others) others.push(result);
      else results.set(message, [result]);
    }
  }
  const ordered: MessageParam[] = [];
  say(ordered, 'user', results.get(undefined) ?? []);
  for (const message of messages) {
    say(ordered, message.role, inOrder(message.content));
    say(ordered, 'user', results.get(message) ?? []);
  }
  if (ordered[0]?.role === 'assistant') ordered.unshift(BEGINNING);
  return { system, messages: ordered, breakpoints };
}

/** Adds blocks to the last message if it has this role, else begins one. Returns the message. */
function say(
  messages: MessageParam[],
  role: MessageParam['role'],
  added: Block[],
  last: MessageParam | null | undefined = messages.at(-1),
): MessageParam | undefined {
  if (last?.role === role) {
    last.content.push(...added);
    return last;
  }
  if (added.length === 0) return undefined;
  const message = { role, content: [...added] };
  messages.push(message);
  return message;
}

/** Blocks in the order the API requires: calls last, and thinking never last. */
function inOrder(content: Block[]): Block[] {
  const isCall = ({ type }: Block) => type === 'tool_use';
  const others = content.filter((block) => !isCall(block));
  const calls = content.filter(isCall);
  if (calls.length === 0) others.length = others.findLastIndex(({ type }) => !/thinking$/.test(type)) + 1;
  return [...others, ...calls];
}

function toolResult(
  { output, failed }: ToolAnswer,
  id: string,
  blocks: (part: Message['content'][number]) => ContentBlock[],
): ToolResultBlock {
  const content = typeof output === 'string' ? output : output.flatMap(blocks);
  return {
    type: 'tool_result',
    tool_use_id: id,
    ...(content.length > 0 && { content }),
    ...(failed && { is_error: true }),
  };
}

/**
 * A call id that the API accepts: only its characters, and unique, since some servers reuse call ids in every turn.
 */
function usable(id: string, usedIds: Map<string, number>): string {
  const base = id.replace(/[^\w-]/g, '_');
  let count = usedIds.get(base) ?? 0;
  let name = base;
  while (usedIds.has(name)) name = `${base}_${++count}`;
  usedIds.set(base, count);
  usedIds.set(name, 0);
  return name;
}

/**
 * Parses call arguments into objects. Arguments that are no object, are nested too deep or exceed the request's
 * members are passed as a text.
 */
function argumentsReader(): (json: string) => JsonObject {
  let membersLeft = fixedLimits.jsonMembers;
  return (json) => {
    try {
      membersLeft -= countMembers(json, membersLeft);
      const input: unknown = JSON.parse(json || '{}');
      if (isObject(input)) return input;
    } catch {
      // Falls through.
    }
    return { arguments: json };
  };
}
