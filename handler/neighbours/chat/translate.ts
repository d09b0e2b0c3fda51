import { type ApiError, unsupported } from '../../errors.ts';
import type { InputPart } from '../../protocol/content.ts';
import type { CreateRequest } from '../../protocol/request.ts';
import { LocatedItems } from '../located-items.ts';
import type { ChatTurn, TranslatedChat } from './request.ts';

/** A chat as a create that stores nothing. */
export interface ChatAsCreate {
  create: CreateRequest & { model: string; stops?: readonly string[] };
  /** The same error with the names that the fields have in Chat Completions. */
  inItsTerms(error: ApiError): ApiError;
}

/** The create of a chat. Throws an ApiError that names what cannot be carried. */
export function chatAsCreate(body: TranslatedChat): ChatAsCreate {
  const list = new LocatedItems();
  for (const [index, turn] of body.messages.entries()) addTurn(list, turn, `messages[${index}]`);
  const last = body.messages.findLast(({ role }) => role !== 'system' && role !== 'developer');
  if (last?.role === 'assistant' && !last.tool_calls?.length) {
    throw unsupported('messages', 'must end with something that the model can answer');
  }
  const { response_format: format, tool_choice: choice, stop } = body;
  const create: ChatAsCreate['create'] = {
    model: body.model,
    input: list.items,
    store: false,
    stream: body.stream === true,
    max_output_tokens: body.max_completion_tokens ?? body.max_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    presence_penalty: body.presence_penalty,
    frequency_penalty: body.frequency_penalty,
    // Not strict by default, as the Responses API has it.
    tools: body.tools?.map(({ function: fn }) => ({ type: 'function', ...fn, strict: fn.strict ?? false })),
    tool_choice: choice && typeof choice === 'object' ? { type: 'function', name: choice.function.name } : choice,
    parallel_tool_calls: body.parallel_tool_calls,
    text: {
      verbosity: body.verbosity,
      format: format?.type === 'json_schema' ? { type: format.type, ...format.json_schema } : format,
    },
    reasoning: { effort: body.reasoning_effort },
    user: body.user,
    safety_identifier: body.safety_identifier,
    prompt_cache_key: body.prompt_cache_key,
    prompt_cache_retention: body.prompt_cache_retention,
    service_tier: body.service_tier,
    ...(stop != null && stop.length > 0 && { stops: typeof stop === 'string' ? [stop] : stop }),
  };
  return { create, inItsTerms: (error) => inItsTerms(error, list) };
}

function addTurn(list: LocatedItems, turn: ChatTurn, at: string): void {
  switch (turn.role) {
    case 'system':
    case 'developer':
    case 'user':
      for (const [index, part] of partsOf(turn.content).entries()) {
        const place = typeof turn.content === 'string' ? `${at}.content` : `${at}.content[${index}]`;
        list.say(turn.role, [part], place, index > 0);
      }
      break;
    case 'tool': {
      const parts = partsOf(turn.content);
      const output = typeof turn.content === 'string' ? turn.content : parts;
      list.add({ type: 'function_call_output', call_id: turn.tool_call_id, output }, at);
      break;
    }
    case 'assistant':
      addAssistant(list, turn, at);
  }
}

function addAssistant(list: LocatedItems, turn: Extract<ChatTurn, { role: 'assistant' }>, at: string): void {
  const { content, refusal, reasoning_content: thought, tool_calls } = turn;
  if (thought) {
    list.add({ type: 'reasoning', content: [{ type: 'reasoning_text', text: thought }] }, `${at}.reasoning_content`);
  }
  const said = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : (content ?? []);
  const words = said.filter((part) => part.type === 'refusal' || part.text !== '');
  const parts = [...words, ...(refusal ? [{ type: 'refusal' as const, refusal }] : [])];
  const spoken = parts.map((part) =>
    part.type === 'refusal' ? part : { type: 'output_text' as const, text: part.text },
  );
  if (spoken.length > 0) list.add({ type: 'message', role: 'assistant', content: spoken }, `${at}.content`);
  for (const [index, { id: call_id, function: fn }] of (tool_calls ?? []).entries()) {
    list.add({ type: 'function_call', call_id, ...fn }, `${at}.tool_calls[${index}]`);
  }
}

type Part = Exclude<Extract<ChatTurn, { role: 'user' }>['content'], string>[number];

function partsOf(content: string | readonly Part[]): InputPart[] {
  if (typeof content === 'string') return [{ type: 'input_text', text: content }];
  return content.map((part): InputPart => {
    if (part.type === 'text') return { type: 'input_text', text: part.text };
    if (part.type === 'image_url')
      return { type: 'input_image', image_url: part.image_url.url, detail: part.image_url.detail };
    return { type: 'input_file', file_data: part.file.file_data, filename: part.file.filename };
  });
}

/** The names of members that have others in Chat Completions. */
const NAMES: Readonly<Record<string, string>> = {
  input: 'messages',
  max_output_tokens: 'max_completion_tokens',
  'reasoning.effort': 'reasoning_effort',
  'text.format': 'response_format',
  'text.verbosity': 'verbosity',
};

function inItsTerms(error: ApiError, list: LocatedItems): ApiError {
  const { param } = error;
  if (param === null) return error;
  const [, member = '', index, part] = /^(\w+)(?:\[(\d+)\])?(?:\.(?:content|output)\[(\d+)\])?/.exec(param) ?? [];
  if (member === 'input' && index !== undefined) {
    const place = list.placeOf(Number(index), part === undefined ? undefined : Number(part));
    return place === undefined ? error : error.about(place);
  }
  const tool = /^(tools\[\d+\])\.(.*)$/.exec(param);
  if (tool) return error.about(`${tool[1]}.function.${tool[2]}`);
  const name = NAMES[param] ?? NAMES[member];
  return name === undefined ? error : error.about(name);
}
