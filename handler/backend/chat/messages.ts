import type { Item } from '../../items/item.ts';
import type { ToolCall } from '../../items/kind.ts';
import type { Message } from '../../items/message.ts';
import { reasoningText } from '../../items/reasoning.ts';
import type { InputPart } from '../../protocol/content.ts';
import { type ModelTurn, toTranscript, withObjects } from '../functions/transcript.ts';
import { inWords, wordsOf } from '../functions/words.ts';
import { type ChatPart, isMarked, simplifyParts, textPart, toPart } from './parts.ts';

type ChatToolCall = { id: string; type: 'function'; function: { name: string; arguments: string } };

/** A message of the Chat Completions API. */
export type ChatMessage =
  | { role: 'system'; content: string | ChatPart[] }
  | { role: 'user'; content: string | ChatPart[] }
  | { role: 'assistant'; content: string | null; reasoning_content?: string; tool_calls?: ChatToolCall[] }
  | { role: 'tool'; tool_call_id: string; content: string | ChatPart[] };

/**
 * Items as chat messages. The model's reasoning, text and calls of one turn are one assistant message, and the outputs of
 * its calls follow at once: most servers refuse another order. Leading system messages are merged, since many chat
 * templates take only one, and only first. Images and files that tools returned follow in a user message, since tool
 * messages carry text. Throws an ApiError for an item that no message can hold.
 */
export function toMessages(instructions: string | null, input: readonly Item[]): ChatMessage[] {
  const messages: ChatMessage[] = instructions === null ? [] : [{ role: 'system', content: instructions }];
  for (const entry of toTranscript(input)) {
    if (entry.type === 'message') addMessage(messages, entry);
    else addTurn(messages, entry);
  }
  return messages;
}

function addTurn(messages: ChatMessage[], turn: ModelTurn): void {
  const { speech, calls, answers } = withObjects(turn);
  const texts = speech.flatMap((item) => (item.type === 'message' ? [wordsOf(item)] : []));
  const thoughts = speech.flatMap((item) => (item.type === 'reasoning' ? reasoningText(item) || [] : []));
  const reasoning = thoughts.join('\n\n');
  if (texts.length + calls.length === 0 && reasoning === '') return;
  messages.push({
    role: 'assistant',
    // Null only beside calls: templates and servers refuse it elsewhere.
    content: texts.length === 0 && calls.length > 0 ? null : texts.join('\n\n'),
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls.map(toToolCall) }),
  });
  const attachments: InputPart[] = [];
  for (const { answer } of answers) {
    const words = inWords(answer.output, attachments);
    const content = typeof words === 'string' ? words : simplifyParts(words.map(textPart));
    messages.push({ role: 'tool', tool_call_id: answer.id, content });
  }
  if (attachments.length > 0) messages.push({ role: 'user', content: attachments.map(toPart) });
}

function toToolCall({ id, name, arguments: args }: ToolCall): ChatToolCall {
  return { id, type: 'function', function: { name, arguments: args } };
}

function addMessage(messages: ChatMessage[], message: Message): void {
  const { role, content } = message;
  if (role === 'user') {
    messages.push({ role, content: simplifyParts(content.map(toPart)) });
    return;
  }
  const text = wordsOf(message);
  const parts = content.map(textPart);
  const first = messages[0];
  if (parts.some(isMarked)) messages.push({ role: 'system', content: parts });
  else if (messages.length === 1 && first?.role === 'system' && typeof first.content === 'string') {
    first.content += `\n\n${text}`;
  } else messages.push({ role: 'system', content: text });
}
