import type { Item } from '../../items/item.ts';
import type { ToolAnswer } from '../../items/kind.ts';
import type { Message } from '../../items/message.ts';
import { fixedLimits } from '../../limits.ts';
import { countMembers } from '../../parse-json.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { parseArguments, toTranscript, withArguments } from '../functions/transcript.ts';
import { wordsOf } from '../functions/words.ts';
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
  /** Ids on the wire, and how many suffixed copies each has. */
  const usedIds = new Map<string, number>();
  const readArguments = argumentsReader();
  const blocks = (part: Message['content'][number]) => toBlocks(part, breakpoints);
  const blocksOf = (message: Message) => {
    if (message.role !== 'user') wordsOf(message); // refuses what is shown, which only users can
    return message.content.flatMap(blocks);
  };
  for (const entry of toTranscript(input)) {
    if (entry.type === 'message') {
      const content = blocksOf(entry);
      if (entry.role === 'user') say(messages, 'user', content);
      else system.push(...content);
      continue;
    }
    const speech = entry.speech.flatMap((item): Block[] => {
      if (item.type === 'message') return blocksOf(item);
      const thought = unsealThought(item.encrypted_content);
      return thought ? [thought] : [];
    });
    /** The id of each call on the wire, and its arguments if they are an object. */
    const told = new Map(
      entry.calls.map((call) => [call, { id: usable(call.id, usedIds), args: readArguments(call.arguments) }]),
    );
    const calls = Array.from(told, ([{ name }, { id, args }]): Block => {
      return { type: 'tool_use', id, name, input: args ?? {} };
    });
    const results = entry.answers.map(({ call, answer }) => {
      const { id = answer.id, args } = told.get(call) ?? {};
      return toolResult(args ? answer : withArguments(answer, call.arguments), id, blocks);
    });
    say(messages, 'assistant', [...(calls.length > 0 ? speech : withoutLastThoughts(speech)), ...calls]);
    say(messages, 'user', results);
  }
  if (messages[0]?.role === 'assistant') messages.unshift(BEGINNING);
  return { system, messages, breakpoints };
}

/** Adds blocks to the last message if it has this role, else begins one. */
function say(messages: MessageParam[], role: MessageParam['role'], added: Block[]): void {
  if (added.length === 0) return;
  const last = messages.at(-1);
  if (last?.role === role) last.content.push(...added);
  else messages.push({ role, content: [...added] });
}

/** Blocks without the thinking at their end, where the API refuses it. */
function withoutLastThoughts(content: Block[]): Block[] {
  return content.slice(0, content.findLastIndex(({ type }) => !/thinking$/.test(type)) + 1);
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
 * Parses call arguments into objects; undefined for those that are no object, are nested too deep or exceed the request's
 * members.
 */
function argumentsReader(): (json: string) => JsonObject | undefined {
  let membersLeft = fixedLimits.jsonMembers;
  return (json) => {
    try {
      membersLeft -= countMembers(json, membersLeft);
    } catch {
      return undefined;
    }
    return parseArguments(json);
  };
}
