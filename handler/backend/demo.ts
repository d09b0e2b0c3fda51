import { unsupported } from '../errors.ts';
import { ItemWriter } from '../events/item-writer.ts';
import type { Item } from '../items/item.ts';
import type { Message } from '../items/message.ts';
import { isOfTool } from '../items/roles.ts';
import { answerOf, callOf } from '../items/views.ts';
import type { InputPart } from '../protocol/content.ts';
import { present } from '../protocol/json.ts';
import type { Backend, BackendEvent, ModelCall } from './backend.ts';
import { demoForward } from './demo-forward.ts';

/** The pause between words, in milliseconds, so that a reader sees them stream. */
const WORD_PAUSE_MS = 15;

/** The longest answer, in characters. */
const MAX_ANSWER = 2_000;

/** A built-in model without a server: it streams who it is, the request's settings and the last message. */
export const demo: Backend = {
  prepare(call) {
    refuse(call);
    const texts = call.input.map(textOf).filter(Boolean);
    const intro = `This is Antiphon's built-in demo model, asked for as ${call.model}; no real model is configured.`;
    const answer = `${intro}${settingsOf(call)} You said: ${texts.at(-1) ?? '(nothing)'}`;
    const words = answer.slice(0, MAX_ANSWER).match(/\s*\S+/g) ?? [];
    const inputWords = [call.instructions ?? '', ...texts].reduce((sum, text) => sum + countWords(text), 0);
    const answerWords = words.slice(0, call.max_output_tokens ?? undefined);
    return { stream: (signal) => speak(answerWords, answerWords.length < words.length, inputWords, signal) };
  },
  forward: demoForward,
  models: async () => [],
};

function refuse({ text, reasoning, tool_choice, top_logprobs }: ModelCall): void {
  if (text.format.type !== 'text') throw unsupported('text.format', 'cannot be honoured by the demo model');
  if (reasoning.mode) throw unsupported('reasoning.mode', 'is not supported by the demo model');
  if (typeof tool_choice === 'object' || tool_choice === 'required') {
    throw unsupported('tool_choice', 'cannot be honoured by the demo model, which calls no functions');
  }
  if (top_logprobs !== null) {
    const param = top_logprobs > 0 ? 'top_logprobs' : 'include';
    throw unsupported(param, 'asks for log probabilities, which the demo model does not have');
  }
}

/** The settings of a request, as JSON: the demo model can only show that they arrived. */
function settingsOf(call: ModelCall): string {
  const { tools, tool_choice, parallel_tool_calls, temperature, top_p, text, reasoning, hints } = call;
  const { presence_penalty, frequency_penalty } = call;
  const roles = call.input.flatMap((item) => (item.type === 'message' && item.role !== 'user' ? item.role : []));
  const settings = present({
    tool_choice: tool_choice === 'auto' ? null : tool_choice,
    parallel_tool_calls: parallel_tool_calls === false ? false : null,
    temperature,
    top_p,
    presence_penalty,
    frequency_penalty,
    verbosity: text.verbosity,
    ...reasoning,
    ...hints,
    roles: roles.length > 0 ? roles : null,
    tools: tools.length > 0 ? tools : null,
  });
  return Object.keys(settings).length > 0
    ? ` The request has ${JSON.stringify(settings).slice(0, MAX_ANSWER / 2)}.`
    : '';
}

async function* speak(
  words: readonly string[],
  isCut: boolean,
  input_tokens: number,
  signal: AbortSignal,
): AsyncGenerator<BackendEvent, void> {
  const writer = new ItemWriter();
  for (const word of words) {
    writer.text(word);
    yield* writer.take();
    await pause(signal);
  }
  writer.close(isCut ? 'incomplete' : 'completed');
  yield* writer.take();
  yield {
    type: 'finish',
    reason: isCut ? 'max_output_tokens' : 'stop',
    usage: {
      input_tokens,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: words.length,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: input_tokens + words.length,
    },
  };
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', leave);
      resolve();
    }, WORD_PAUSE_MS);
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
}

/** What an item says: texts as they are, images and files by what they are known by, calls as they are made. */
function textOf(item: Item): string {
  if (item.type === 'message') return partsOf(item.content);
  if (!isOfTool(item)) return '';
  const call = callOf(item);
  const output = answerOf(item)?.output ?? [];
  const said = typeof output === 'string' ? output : partsOf(output);
  return call ? `${call.name}(${call.arguments}) ${said}`.trim() : said;
}

function partsOf(parts: readonly (Message['content'][number] | InputPart)[]): string {
  return parts
    .map((part) => {
      if (part.type === 'input_image') return part.image_url;
      if (part.type === 'input_file')
        return [part.filename, part.file_url ?? part.file_data].filter(Boolean).join(': ');
      return part.type === 'refusal' ? part.refusal : part.text;
    })
    .join(' ');
}

function countWords(text: string): number {
  return text.split(/\s+/).filter(Boolean).length;
}
