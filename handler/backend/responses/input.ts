import { unsupported } from '../../errors.ts';
import type { Item } from '../../items/item.ts';
import type { ToolAnswer, ToolCall } from '../../items/kind.ts';
import type { Message } from '../../items/message.ts';
import { type Reasoning, reasoningText } from '../../items/reasoning.ts';
import { isServerCall } from '../../items/roles.ts';
import { answerOf, asInput, callOf } from '../../items/views.ts';
import type { InputPart } from '../../protocol/content.ts';
import { type ModelTurn, toTranscript, withObjects } from '../functions/transcript.ts';
import { fileByUrl, inWords, wordsOf } from '../functions/words.ts';
import { isSealedHere } from '../server/seal.ts';
import { unsealFor } from './sealed-reasoning.ts';

/** A stored item as input for OpenAI's own servers: none, one, or for a server call the call and its output. */
export function toOpenAIs(item: Item): object[] {
  if (item.type === 'message') return [toMessage(item, true)];
  if (item.type === 'reasoning') return sealedReasoning(item);
  return isServerCall(item) ? asFunctions(item) : [asInput(item)];
}

/**
 * Items as input for other Responses servers, which all know only function tools, and make chat messages of it: the calls of
 * one turn follow what it said, and their outputs follow at once. Images and files that tools returned follow in a user
 * message, as on Chat Completions: llama.cpp takes only text from tools. What the server with this id has sealed goes back to it. Throws an ApiError for an item they cannot read.
 */
export function toOthers(items: readonly Item[], server = ''): object[] {
  if (items.some(({ type }) => type === 'compaction'))
    throw unsupported('input', 'holds a compaction that another server has sealed');
  return toTranscript(items).flatMap((entry) =>
    entry.type === 'turn' ? ofTurn(entry, server) : [readableMessage(entry)],
  );
}

function ofTurn(turn: ModelTurn, server: string): object[] {
  const { speech, calls, answers } = withObjects(turn);
  const attachments: InputPart[] = [];
  const items = [
    ...speech.flatMap((item) => (item.type === 'message' ? [readableMessage(item)] : openReasoning(item, server))),
    ...calls.map(asFunctionCall),
    ...answers.map(({ answer }) => asFunctionOutput(answer, attachments)),
  ];
  if (attachments.length === 0) return items;
  return [...items, { type: 'message', role: 'user', content: attachments.map(readable) }];
}

function readableMessage(message: Message): object {
  return toMessage({ ...message, content: message.content.map(readable) }, false);
}

/** A call that a server ran and its output, as a function's. */
function asFunctions(item: Item): object[] {
  const call = callOf(item);
  const answer = answerOf(item);
  return [...(call ? [asFunctionCall(call)] : []), ...(answer ? [asFunctionOutput(answer, [])] : [])];
}

function asFunctionCall({ id: call_id, name, arguments: args }: ToolCall): object {
  return { type: 'function_call', call_id, name, arguments: args, status: 'completed' };
}

function asFunctionOutput({ id: call_id, output }: ToolAnswer, attachments: InputPart[]): object {
  return { type: 'function_call_output', call_id, output: inWords(output, attachments), status: 'completed' };
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
 * Ollama keeps its own in `encrypted_content` as plain text. What a server has sealed, it gets as it gave it.
 */
function openReasoning(item: Reasoning, server: string): object[] {
  const { type, id, summary } = item;
  const text = reasoningText(item);
  const sealed = unsealFor(server, item.encrypted_content) ?? (item.encrypted_content === text ? text : '');
  if (text === '' && sealed === '') return [];
  const content = text === '' ? {} : { content: [{ type: 'reasoning_text', text }] };
  return [{ type, id, summary, ...content, ...(sealed !== '' && { encrypted_content: sealed }) }];
}
