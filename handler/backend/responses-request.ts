import { unsupported } from '../errors.ts';
import type { Item, Message } from '../protocol/items.ts';
import { present } from '../protocol/json.ts';
import { reasoningText } from '../protocol/reasoning.ts';
import type { ClientTool } from '../protocol/tools.ts';
import { isSealed } from '../seal.ts';
import type { ModelCall } from './backend.ts';
import { refuseOpenAIs, toForeign } from './foreign.ts';
import { unsealThought } from './messages-thinking.ts';
import { responseFormat } from './response-format.ts';
import type { Server } from './server.ts';
import { wordsOf } from './words.ts';

/** Items whose `id` the API asks for in an input; an id of any other would be looked up where nothing is stored. */
const NEEDS_ID = new Set(['local_shell_call', 'computer_call']);

/**
 * The body of `POST /responses` for a call. The state is ours, so everything goes along and nothing is to be stored.
 * Throws an ApiError for what this server cannot carry.
 */
export function toRequest(asked: ModelCall, { isOpenAI }: Pick<Server, 'isOpenAI'>): object {
  if (!isOpenAI) refuseOpenAIs(asked);
  const call = isOpenAI ? asked : toForeign(asked);
  const { format, verbosity } = call.text;
  const { tools, tool_choice } = isOpenAI ? call : narrowed(call);
  const include = [
    ...(call.top_logprobs === null ? [] : ['message.output_text.logprobs']),
    // What OpenAI does not store is remembered only if it is sent back, sealed.
    ...(isOpenAI ? ['reasoning.encrypted_content'] : []),
  ];
  return {
    model: call.model,
    input: call.input.flatMap((item) => toInput(item, isOpenAI)),
    stream: true,
    store: false,
    ...present({
      instructions: call.instructions,
      temperature: call.temperature,
      top_p: call.top_p,
      max_output_tokens: call.max_output_tokens,
      top_logprobs: call.top_logprobs,
      ...call.hints,
    }),
    ...nonEmpty('include', include),
    ...nonEmpty('reasoning', present(call.reasoning)),
    ...nonEmpty('text', { ...(format.type !== 'text' && { format: present(format) }), ...present({ verbosity }) }),
    // llama.cpp (b11434) ignores `text.format`, and takes what Chat Completions call it.
    ...(!isOpenAI && present({ response_format: responseFormat(format) })),
    ...(tools.length > 0 && { tools: tools.map(present), tool_choice, parallel_tool_calls: call.parallel_tool_calls }),
  };
}

/**
 * The tools as the choice leaves them. Ollama ignores every choice, llama.cpp one by name: so `none` sends no tools, and
 * a choice of some functions only those.
 */
function narrowed({ tools, tool_choice }: ModelCall): Pick<ModelCall, 'tools' | 'tool_choice'> {
  if (tool_choice === 'none') return { tools: [], tool_choice };
  if (typeof tool_choice === 'string') return { tools, tool_choice };
  const names = tool_choice.type === 'allowed_tools' ? tool_choice.tools : [tool_choice];
  const isNamed = (tool: ClientTool) =>
    names.some(
      (named) => named.type === tool.type && (!('name' in named) || !('name' in tool) || named.name === tool.name),
    );
  const chosen = tools.flatMap((tool) => {
    if (tool.type !== 'namespace') return isNamed(tool) ? tool : [];
    const members = tool.tools.filter(isNamed);
    return members.length > 0 ? { ...tool, tools: members } : [];
  });
  if (chosen.length === 0) return { tools, tool_choice };
  return { tools: chosen, tool_choice: tool_choice.type === 'allowed_tools' ? tool_choice.mode : 'required' };
}

/** One kept item as input: none, or as many as say the same where the item is one of our own. */
function toInput(item: Item, isOpenAI: boolean): object[] {
  switch (item.type) {
    case 'message':
      return [toMessage(item, isOpenAI)];
    case 'reasoning':
      return toReasoning(item, isOpenAI);
    case 'mcp_call': {
      // A call that a server-side tool of ours ran is to the model a call like any other, with its output right behind.
      const call_id = item.id.slice(0, 64);
      const output = item.output ?? (item.error ? JSON.stringify(item.error) : '');
      return [
        { type: 'function_call', call_id, name: item.name, arguments: item.arguments },
        { type: 'function_call_output', call_id, output },
      ];
    }
    case 'local_shell_call_output':
      return [{ type: item.type, id: item.call_id, output: item.output, status: item.status }];
    case 'compaction':
      if (!isOpenAI) throw unsupported('input', 'holds a compaction that another server has sealed');
      return [item];
    default: {
      const { id, ...rest } = item;
      return [NEEDS_ID.has(item.type) ? item : rest];
    }
  }
}

/**
 * A message without id and status. What the model said goes as one text, the one form that needs neither and that all
 * take: vLLM (0.20.2) asks for both with parts, and reads only the first; Ollama (0.17.4) refuses a refusal. What its
 * text cites goes to OpenAI alone.
 */
function toMessage(message: Message, isOpenAI: boolean): object {
  const { type, role, content, phase } = message;
  const cites = (part: Message['content'][number]) =>
    part.type === 'output_text' && part.annotations.length + part.logprobs.length > 0;
  const text = role === 'assistant' ? wordsOf(message) : undefined;
  const asText = text !== undefined && !(isOpenAI && content.some(cites));
  return { type, role, content: asText ? text : content, ...(phase && { phase }) };
}

/**
 * OpenAI takes reasoning only as it has sealed it, and not what another server has, or we for the client to keep. Others
 * read it: llama.cpp (b11434) asks for a content that is not empty, vLLM for an id and no sealed content, and Ollama keeps
 * its own in `encrypted_content`, in plain text.
 */
function toReasoning(item: Extract<Item, { type: 'reasoning' }>, isOpenAI: boolean): object[] {
  const { type, id, summary, encrypted_content } = item;
  const text = reasoningText(item);
  const isPlain = encrypted_content === text;
  const isOthers = isPlain || isSealed(encrypted_content ?? '') || unsealThought(encrypted_content) !== undefined;
  if (isOpenAI) return encrypted_content && !isOthers ? [{ type, summary, encrypted_content }] : [];
  if (text === '') return [];
  return [{ type, id, summary, content: [{ type: 'reasoning_text', text }], ...(isPlain && { encrypted_content }) }];
}

/** The member, unless there is nothing in it. */
function nonEmpty(name: string, value: object): object {
  return Object.keys(value).length > 0 ? { [name]: value } : {};
}
