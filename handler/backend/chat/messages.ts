import type { Item } from '../../items/item.ts';
import type { Message } from '../../items/message.ts';
import { reasoningText } from '../../items/reasoning.ts';
import { isAnswer, isOfTool } from '../../items/roles.ts';
import { answerOf, callOf } from '../../items/views.ts';
import type { InputPart } from '../../protocol/content.ts';
import { inWords, unreadable, wordsOf } from '../functions/words.ts';
import { type ChatPart, isMarked, simplifyParts, textPart, toPart } from './parts.ts';

type ChatToolCall = { id: string; type: 'function'; function: { name: string; arguments: string } };

/** A message of the Chat Completions API. */
export type ChatMessage =
  | { role: 'system'; content: string | ChatPart[] }
  | { role: 'user'; content: string | ChatPart[] }
  | { role: 'assistant'; content: string | null; reasoning_content?: string; tool_calls?: ChatToolCall[] }
  | { role: 'tool'; tool_call_id: string; content: string | ChatPart[] };

type Assistant = Extract<ChatMessage, { role: 'assistant' }>;

/**
 * Items as chat messages. The model's reasoning, text and parallel calls of one turn become one assistant message.
 * Leading system messages are merged, since many chat templates take only one, and only first. Images and files that
 * tools returned follow in a user message, since tool messages carry text. Throws an ApiError for an item that no
 * message can hold.
 */
export function toMessages(instructions: string | null, input: readonly Item[], withReasoning: boolean): ChatMessage[] {
  const messages: ChatMessage[] = instructions === null ? [] : [{ role: 'system', content: instructions }];
  const attachments: InputPart[] = [];
  const assistant = (): Assistant => {
    const last = messages.at(-1);
    if (last?.role === 'assistant') return last;
    const fresh: Assistant = { role: 'assistant', content: null };
    messages.push(fresh);
    return fresh;
  };
  const show = () => {
    if (attachments.length > 0) messages.push({ role: 'user', content: attachments.splice(0).map(toPart) });
  };
  for (const item of input) {
    if (!isAnswer(item)) show();
    if (item.type === 'message') {
      addMessage(messages, item, assistant);
      continue;
    }
    if (item.type === 'reasoning') {
      const text = reasoningText(item);
      if (!withReasoning || text === '') continue;
      const last = messages.at(-1);
      const hasSpoken = last?.role === 'assistant' && (last.content !== null || last.tool_calls);
      if (hasSpoken) messages.push({ role: 'assistant', content: null, reasoning_content: text });
      else assistant().reasoning_content = text;
      continue;
    }
    if (!isOfTool(item)) throw unreadable(item);
    const call = callOf(item);
    const answer = answerOf(item);
    if (call) {
      const { id, name, arguments: args } = call;
      const message = assistant();
      message.tool_calls ??= [];
      message.tool_calls.push({ id, type: 'function', function: { name, arguments: args } });
    }
    if (answer) {
      const words = inWords(answer.output, attachments);
      const content = typeof words === 'string' ? words : simplifyParts(words.map(textPart));
      messages.push({ role: 'tool', tool_call_id: answer.id, content });
    }
  }
  show();
  return messages;
}

function addMessage(messages: ChatMessage[], message: Message, assistant: () => Assistant): void {
  const { role, content } = message;
  if (role === 'user') {
    messages.push({ role, content: simplifyParts(content.map(toPart)) });
    return;
  }
  const text = wordsOf(message);
  if (role === 'assistant') {
    const last = messages.at(-1);
    // Two messages in a row stay two; text after calls would come before them inside one.
    if (last?.role === 'assistant' && (last.content !== null || last.tool_calls))
      messages.push({ role, content: text });
    else assistant().content = text;
    return;
  }
  const parts = content.map(textPart);
  const first = messages[0];
  if (parts.some(isMarked)) messages.push({ role: 'system', content: parts });
  else if (messages.length === 1 && first?.role === 'system' && typeof first.content === 'string') {
    first.content += `\n\n${text}`;
  } else messages.push({ role: 'system', content: text });
}
