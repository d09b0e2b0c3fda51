import type { Item } from '../../items/item.ts';
import { type JsonObject, present } from '../../protocol/json.ts';
import type { ModelCall } from '../backend.ts';
import { narrowTools } from '../functions/choice.ts';
import { refuseOpenAIOnly, withoutOpenAIOnly } from '../functions/openai-only.ts';
import { responseFormat } from '../functions/response-format.ts';
import { askStrict } from '../functions/strict.ts';
import type { ModelFunction } from '../functions/tools.ts';
import { wordsOf } from '../functions/words.ts';
import { type RequestRules, SEALED } from '../server/request-rules.ts';
import { toOpenAIs, toOthers } from './input.ts';

/** Models of OpenAI's that do not reason: they refuse to be asked for sealed reasoning. */
const DO_NOT_REASON = /^(ft:)?(gpt-3|gpt-4|chatgpt-|computer-use|gpt-5[\w.]*-chat)/;

/**
 * The body of `POST /responses` for a call to OpenAI's own server, which knows all tools and items. The state is ours, so
 * everything goes along and nothing is to be stored.
 */
export function toOpenAIsRequest(call: ModelCall): JsonObject {
  const { tools, tool_choice, parallel_tool_calls } = call;
  return {
    ...common(call),
    input: call.input.flatMap(toOpenAIs),
    ...present({ truncation: call.truncation }),
    // What OpenAI does not store is remembered only if it is sent back, sealed.
    ...nonEmpty('include', [...included(call), ...(DO_NOT_REASON.test(call.model) ? [] : [SEALED])]),
    ...(tools.length > 0 && { tools: tools.map(present), tool_choice, ...present({ parallel_tool_calls }) }),
  };
}

/**
 * The same for another server, by its id, with the tools as functions: llama.cpp (b11434) takes any other and ignores it. Throws an
 * ApiError for what not all of them can carry.
 */
export function toOthersRequest(
  original: ModelCall,
  functions: ReadonlyMap<string, ModelFunction>,
  rules: RequestRules,
  server = '',
): JsonObject {
  refuseOpenAIOnly(original);
  const call = withoutOpenAIOnly(original);
  const { tools, tool_choice } = narrowTools([...functions.values()], call.tool_choice);
  const { instructions, input } = rules.systemMessages === 'first' ? systemFirst(call) : call;
  return {
    ...common({ ...call, instructions }),
    input: toOthers(input, server),
    ...nonEmpty('include', included(call)),
    // llama.cpp (b11434) ignores `text.format`, and takes what Chat Completions call it.
    ...present({ response_format: responseFormat(call.text.format) }),
    ...(tools.length > 0 && {
      tools: tools.map((tool) => ({ type: 'function', ...(rules.strictTools ? askStrict(tool) : tool.definition) })),
      tool_choice,
      ...present({ parallel_tool_calls: call.parallel_tool_calls ?? (rules.parallelToolCalls || null) }),
    }),
  };
}

/**
 * Instructions with the words of all system and developer messages, in their order, and the input without these: servers
 * make one chat of both, and many chat templates raise an error for a system message that is not the first.
 */
function systemFirst({ instructions, input }: ModelCall): Pick<ModelCall, 'instructions' | 'input'> {
  const isSystem = (item: Item) => item.type === 'message' && (item.role === 'system' || item.role === 'developer');
  // Where there is nothing else, they stay: servers refuse an empty input.
  if (!input.some(isSystem) || input.every(isSystem)) return { instructions, input };
  const words = input.flatMap((item) => (item.type === 'message' && isSystem(item) ? [wordsOf(item)] : []));
  return {
    instructions: [...(instructions === null ? [] : [instructions]), ...words].join('\n\n'),
    input: input.filter((item) => !isSystem(item)),
  };
}

function common(call: ModelCall): object {
  const { format, verbosity } = call.text;
  return {
    model: call.model,
    stream: true,
    store: false,
    // A null that a server does not expect is an error on many.
    ...present({
      instructions: call.instructions,
      temperature: call.temperature,
      top_p: call.top_p,
      presence_penalty: call.presence_penalty,
      frequency_penalty: call.frequency_penalty,
      max_output_tokens: call.max_output_tokens,
      top_logprobs: call.top_logprobs,
      ...call.hints,
    }),
    ...nonEmpty('reasoning', present(call.reasoning)),
    ...nonEmpty('text', { ...(format.type !== 'text' && { format: present(format) }), ...present({ verbosity }) }),
  };
}

function included(call: ModelCall): string[] {
  return call.top_logprobs === null ? [] : ['message.output_text.logprobs'];
}

/** An object with the member, or an empty one if the value is empty. */
function nonEmpty(name: string, value: object): object {
  return Object.keys(value).length > 0 ? { [name]: value } : {};
}
