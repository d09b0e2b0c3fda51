import type { Item } from '../../items/item.ts';
import type { ToolCall } from '../../items/kind.ts';
import type { Message } from '../../items/message.ts';
import { reasoningText } from '../../items/reasoning.ts';
import type { InputPart } from '../../protocol/content.ts';
import { type ModelTurn, toTranscript, withObjects } from '../functions/transcript.ts';
import { inWords, wordsOf } from '../functions/words.ts';
import { type MessageState, stateOf, type TurnState } from './opaque-state.ts';
import { type ChatPart, isMarked, simplifyParts, textPart, toPart } from './parts.ts';

type ChatToolCall = {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
};

/** A message of the Chat Completions API. */
export type ChatMessage =
  | { role: 'system'; content: string | ChatPart[] }
  | { role: 'user'; content: string | ChatPart[] }
  | ({
      role: 'assistant';
      content: string | null;
      reasoning_content?: string;
      tool_calls?: ChatToolCall[];
    } & MessageState)
  | { role: 'tool'; tool_call_id: string; content: string | ChatPart[] };

/**
 * Items as chat messages. The model's reasoning, text and calls of one turn are one assistant message, and the outputs of
 * its calls follow at once: most servers refuse another order. Leading system messages are merged, since many chat
 * templates take only one, and only first. Images and files that tools returned follow in a user message, since tool
 * messages carry text. State goes along that the server of this id gave. Throws an ApiError for an item that no message can hold.
 */
export function toMessages(instructions: string | null, input: readonly Item[], server: string): ChatMessage[] {
  const messages: ChatMessage[] = instructions === null ? [] : [{ role: 'system', content: instructions }];
  for (const entry of toTranscript(input)) {
    if (entry.type === 'message') addMessage(messages, entry);
    else addTurn(messages, entry, server);
  }
  return messages;
}

function addTurn(messages: ChatMessage[], turn: ModelTurn, server: string): void {
  const { speech, calls, answers } = withObjects(turn);
  const texts = speech.flatMap((item) => (item.type === 'message' ? [wordsOf(item)] : []));
  const thoughts = speech.filter((item) => item.type === 'reasoning');
  const state = stateOf(thoughts, calls, server);
  const reasoning = thoughts.flatMap((item, at) => reasoningText(item) || state.texts[at] || []).join('\n\n');
  const isEmpty = texts.length + calls.length === 0 && reasoning === '';
  if (isEmpty && Object.keys(state.message).length === 0) return;
  messages.push({
    role: 'assistant',
    // Null only beside calls: templates and servers refuse it elsewhere.
    content: texts.length === 0 && calls.length > 0 ? null : texts.join('\n\n'),
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...state.message,
    ...(calls.length > 0 && {
      tool_calls: calls.map((call, at) => withState(toToolCall(call), state.calls[at])),
    }),
  });
  const attachments: InputPart[] = [];
  for (const { answer } of answers) {
    const words = inWords(answer.output, attachments);
    const content = typeof words === 'string' ? words : simplifyParts(words.map(textPart));
    messages.push({ role: 'tool', tool_call_id: answer.id, content });
  }
  if (attachments.length > 0) messages.push({ role: 'user', content: attachments.map(toPart) });
}

function withState(call: ChatToolCall, { function: inner, ...members }: TurnState['calls'][number] = {}): ChatToolCall {
  return { ...call, ...members, function: { ...call.function, ...inner } };
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
