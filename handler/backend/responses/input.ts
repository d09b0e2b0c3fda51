import { unsupported } from '../../errors.ts';
import type { Item } from '../../items/item.ts';
import type { Message } from '../../items/message.ts';
import { reasoningText } from '../../items/reasoning.ts';
import { isAnswer, isOfTool, isServerCall } from '../../items/roles.ts';
import { answerOf, asInput, callOf } from '../../items/views.ts';
import type { InputPart } from '../../protocol/content.ts';
import { fileByUrl, inWords, unreadable, wordsOf } from '../functions/words.ts';
import { isSealedHere } from '../server/seal.ts';

type Reasoning = Extract<Item, { type: 'reasoning' }>;

/** A stored item as input for OpenAI's own servers: none, one, or for a server call the call and its output. */
export function toOpenAIs(item: Item): object[] {
  if (item.type === 'message') return [toMessage(item, true)];
  if (item.type === 'reasoning') return sealedReasoning(item);
  return isServerCall(item) ? asFunctions(item) : [asInput(item)];
}

/**
 * Items as input for other Responses servers, which all know only function tools. Images and files that tools
 * returned follow in a user message, as on Chat Completions: llama.cpp takes only text from tools. Throws an ApiError
 * for an item they cannot read.
 */
export function toOthers(items: readonly Item[]): object[] {
  const result: object[] = [];
  const attachments: InputPart[] = [];
  const show = () => {
    if (attachments.length > 0)
      result.push({ type: 'message', role: 'user', content: attachments.splice(0).map(readable) });
  };
  for (const item of items) {
    if (!isAnswer(item)) show();
    if (item.type === 'message') result.push(toMessage({ ...item, content: item.content.map(readable) }, false));
    else if (item.type === 'reasoning') result.push(...openReasoning(item));
    else if (item.type === 'compaction')
      throw unsupported('input', 'holds a compaction that another server has sealed');
    else if (isOfTool(item)) result.push(...asFunctions(item, attachments));
    else throw unreadable(item);
  }
  show();
  return result;
}

/** A call, its output, or both, of any tool, as a function's. */
function asFunctions(item: Item, attachments: InputPart[] = []): object[] {
  const call = callOf(item);
  const answer = answerOf(item);
  const status = 'completed';
  return [
    ...(call ? [{ type: 'function_call', call_id: call.id, name: call.name, arguments: call.arguments, status }] : []),
    ...(answer
      ? [{ type: 'function_call_output', call_id: answer.id, output: inWords(answer.output, attachments), status }]
      : []),
  ];
}

function readable<P extends Message['content'][number] | InputPart>(part: P): P {
  if (part.type === 'input_file' && part.file_data == null) throw fileByUrl();
  return part;
}

/**
 * A message without id and status. The model's own goes as one text, the only form all servers accept without them:
 * vLLM (0.20.2) requires both with parts, and reads only the first part; Ollama (0.17.4) refuses a refusal. Only
 * OpenAI gets citations.
 */
function toMessage(message: Message, isOpenAI: boolean): object {
  const { type, role, content, phase } = message;
  const cites = (part: Message['content'][number]) =>
    part.type === 'output_text' && part.annotations.length + part.logprobs.length > 0;
  const text = role === 'assistant' ? wordsOf(message) : undefined;
  const asText = text !== undefined && !(isOpenAI && content.some(cites));
  return { type, role, content: asText ? text : content, ...(phase && { phase }) };
}

/** Reasoning for OpenAI, which accepts only what it sealed itself. */
function sealedReasoning(item: Reasoning): object[] {
  const { type, summary, encrypted_content: sealed } = item;
  if (!sealed || sealed === reasoningText(item) || isSealedHere(sealed)) return [];
  return [{ type, summary, encrypted_content: sealed }];
}

/**
 * Reasoning for other servers: llama.cpp (b11434) requires non-empty content, vLLM an id and no sealed content, and
 * Ollama keeps its own in `encrypted_content` as plain text.
 */
function openReasoning(item: Reasoning): object[] {
  const { type, id, summary, encrypted_content } = item;
  const text = reasoningText(item);
  if (text === '') return [];
  const content = [{ type: 'reasoning_text', text }];
  return [{ type, id, summary, content, ...(encrypted_content === text && { encrypted_content }) }];
}
