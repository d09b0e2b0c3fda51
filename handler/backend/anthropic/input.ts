import type { Item } from '../../items/item.ts';
import type { ToolAnswer } from '../../items/kind.ts';
import type { Message } from '../../items/message.ts';
import { isOfTool } from '../../items/roles.ts';
import { answerOf, callOf } from '../../items/views.ts';
import { fixedLimits } from '../../limits.ts';
import { countMembers } from '../../parse-json.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { unreadable, wordsOf } from '../functions/words.ts';
import { type Thought, unsealThought } from '../server/sealed-thought.ts';
import { type CacheBreakpoint, type ContentBlock, toBlocks } from './parts.ts';

type ToolUseBlock = { type: 'tool_use'; id: string; name: string; input: JsonObject };
type ToolResultBlock = { type: 'tool_result'; tool_use_id: string; content?: string | ContentBlock[]; is_error?: true };
type Block = ContentBlock | Thought | ToolUseBlock | ToolResultBlock;

/** A message of the Messages API: what one side says until the other answers. */
export interface MessageParam {
  role: 'user' | 'assistant';
  content: Block[];
}

/** An input as the Messages API takes it. */
export interface MessagesInput {
  system: ContentBlock[];
  messages: MessageParam[];
  /** The blocks that end what the client wants kept, in their order. */
  breakpoints: CacheBreakpoint[];
}

/** The API has the user begin; conversations may begin with a greeting, or be cut at the front. */
const BEGINNING: MessageParam = { role: 'user', content: [{ type: 'text', text: '(The assistant begins.)' }] };

/**
 * Items as turns that alternate. What instructs goes to `system`, wherever it stood: only some models take it in between.
 * The results of calls stand first in the turn behind them. Throws an ApiError for what no turn can hold.
 */
export function toConversation(instructions: string | null, input: readonly Item[]): MessagesInput {
  const system: ContentBlock[] = instructions?.trim() ? [{ type: 'text', text: instructions }] : [];
  const breakpoints: CacheBreakpoint[] = [];
  const messages: MessageParam[] = [];
  /** The latest call of each id, what that is called on the wire, and the message that it is in. */
  const calls = new Map<string, { id: string; message: MessageParam | undefined }>();
  /** Ids on the wire, and how often each had to be changed for another. */
  const usedIds = new Map<string, number>();
  /** The results of the calls of each message, and of those that nobody made. */
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

/** Adds to what a side is saying, or begins to say it; what it then says. */
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

/** What a turn says, in the order that the API asks for: calls are last, and thinking never is. */
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
 * An id that the API takes: of other characters than other servers' ids may have, and only once; some servers count their
 * calls anew in every turn.
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
 * Makes objects of what models wrote as arguments. What is no object is still told, and so is what is too deep, or has more
 * members than are left of those that one request may have.
 */
function argumentsReader(): (json: string) => JsonObject {
  let membersLeft = fixedLimits.jsonMembers;
  return (json) => {
    try {
      membersLeft -= countMembers(json, membersLeft);
      const input: unknown = JSON.parse(json || '{}');
      if (isObject(input)) return input;
    } catch {
      // Told below.
    }
    return { arguments: json };
  };
}
