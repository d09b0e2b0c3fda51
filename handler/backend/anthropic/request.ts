import { unsupported } from '../../errors.ts';
import { isObject, present } from '../../protocol/json.ts';
import type { ModelCall } from '../backend.ts';
import { chosenTools } from '../functions/choice.ts';
import { refuseOpenAIOnly } from '../functions/openai-only.ts';
import type { ModelFunction } from '../functions/tools.ts';
import { only } from '../server/token-count.ts';
import { type MessageParam, toConversation } from './input.ts';
import type { CacheBreakpoint, CacheControl } from './parts.ts';
import { type Thinking, thinkingOf, thinkingWithin } from './thinking.ts';

/** The body of `POST /messages`. */
export interface MessagesRequest {
  messages: MessageParam[];
  thinking?: Thinking | null;
  [member: string]: unknown;
}

/** The default of `max_tokens`, which the API requires: the most that every Anthropic model since 4.5 accepts. */
const DEFAULT_MAX_TOKENS = 64_000;

/** What of a request beside its messages `POST /messages/count_tokens` takes. */
export const COUNTED_MEMBERS = [
  'model',
  'system',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'cache_control',
];

/** The most cache breakpoints in a request. */
const MAX_BREAKPOINTS = 4;

/**
 * The request of a call, with at most `maxTokens` output tokens if the client does not say. Throws an ApiError for
 * what the API cannot carry.
 */
export function toRequest(
  call: ModelCall,
  functions: ReadonlyMap<string, ModelFunction>,
  maxTokens = DEFAULT_MAX_TOKENS,
): MessagesRequest {
  refuse(call);
  const { hints, text } = call;
  const { system, messages, breakpoints } = toConversation(call.instructions, call.input);
  if (messages.at(-1)?.role !== 'user') {
    // The API would have the model go on in the middle of its own answer, or refuse.
    throw unsupported('input', 'must end with something that the model can answer');
  }
  const { tools, tool_choice } = toChoice(call, [...functions.values()]);
  const max_tokens = call.max_output_tokens ?? maxTokens;
  const forced = tool_choice?.type === 'any' || tool_choice?.type === 'tool';
  const { thinking, effort } = thinkingOf(call, max_tokens, forced);
  const format = text.format.type === 'json_schema' ? { type: 'json_schema', schema: text.format.schema } : null;
  const user_id = hints.safety_identifier ?? hints.user;
  return {
    model: call.model,
    max_tokens,
    stream: true,
    messages,
    ...present({
      system: system.length > 0 ? system : null,
      cache_control: cacheControl(hints, breakpoints),
      temperature: call.temperature,
      top_p: call.top_p,
      thinking,
      output_config: format || effort ? present({ format, effort }) : null,
      tools: tools.length > 0 ? tools.map(toTool) : null,
      tool_choice,
      metadata: user_id === null ? null : { user_id },
      service_tier: tierOf(hints.service_tier),
    }),
  };
}

/** The request members that `POST /messages/count_tokens` takes; it refuses others. */
export function toCounted(request: MessagesRequest): MessagesRequest {
  return { ...only(request, COUNTED_MEMBERS), messages: request.messages };
}

/** The request with a lower `max_tokens`, for a model with a lower limit. */
export function withBound({ thinking, ...request }: MessagesRequest, maxTokens: number): MessagesRequest {
  const within = thinking && thinkingWithin(thinking, maxTokens);
  return { ...request, max_tokens: maxTokens, ...(within && { thinking: within }) };
}

/** The request without earlier thinking, and without a budget, which requires the current turn's thinking. */
export function withoutThinking({ thinking, ...request }: MessagesRequest): MessagesRequest {
  const messages = request.messages.map(({ role, content }) => ({
    role,
    content: content.filter(({ type }) => type !== 'thinking' && type !== 'redacted_thinking'),
  }));
  return { ...request, messages, ...(thinking && thinking.type !== 'enabled' && { thinking }) };
}

function refuse(call: ModelCall): void {
  refuseOpenAIOnly(call);
  const { temperature, text, top_logprobs, reasoning } = call;
  for (const name of ['presence_penalty', 'frequency_penalty'] as const) {
    if (call[name]) throw unsupported(name, 'is not known to this model backend'); // 0 is the default
  }
  if (temperature !== null && temperature > 1) throw unsupported('temperature', 'must be at most 1 for this model');
  if (text.format.type === 'json_object') {
    throw unsupported('text.format', 'must have a schema for this model backend, which knows no other JSON');
  }
  // Medium is the default.
  if (text.verbosity !== null && text.verbosity !== 'medium') throw unsupported('text.verbosity');
  if (top_logprobs !== null) {
    const param = top_logprobs > 0 ? 'top_logprobs' : 'include';
    throw unsupported(param, 'asks for log probabilities, which this model backend does not have');
  }
  if (reasoning.mode) throw unsupported('reasoning.mode', 'is not supported by this model backend');
}

/** The tools the choice leaves, and the choice in the API's terms. */
function toChoice({ tool_choice: choice, parallel_tool_calls }: ModelCall, tools: ModelFunction[]) {
  if (tools.length === 0) return { tools, tool_choice: null };
  if (choice === 'none') return { tools, tool_choice: { type: 'none' } };
  const one = parallel_tool_calls === false ? { disable_parallel_tool_use: true } : {};
  const modes = { auto: 'auto', required: 'any' };
  if (typeof choice === 'string') return { tools, tool_choice: { type: modes[choice], ...one } };
  const allowed = chosenTools(tools, choice);
  if (allowed.length === 0) return { tools: allowed, tool_choice: null };
  if (choice.type === 'allowed_tools') return { tools: allowed, tool_choice: { type: modes[choice.mode], ...one } };
  return { tools, tool_choice: { type: 'tool', name: allowed[0]?.definition.name, ...one } };
}

function toTool({ definition: { name, description, parameters, strict } }: ModelFunction) {
  const input_schema = { type: 'object', properties: {}, ...(isObject(parameters) && parameters) };
  return { name, ...(description && { description }), input_schema, ...(strict && { strict }) };
}

/**
 * The automatic cache_control, if any; sets it on breakpoints too. Caching costs, so it is used only if the client
 * asks by a cache member or breakpoints, of which the last count. A TTL of half an hour or more becomes the longer of
 * the API's two.
 */
function cacheControl(hints: ModelCall['hints'], breakpoints: readonly CacheBreakpoint[]): CacheControl | null {
  const { prompt_cache_key, prompt_cache_options: options, prompt_cache_retention: retention } = hints;
  const long = options?.ttl != null || retention === '24h' || breakpoints.some((mark) => mark.long);
  const cache_control: CacheControl = { type: 'ephemeral', ...(long && { ttl: '1h' }) };
  const wantsCache = prompt_cache_key !== null || options !== null || retention !== null;
  const automatic = wantsCache && options?.mode !== 'explicit';
  const last = breakpoints.slice(automatic ? 1 - MAX_BREAKPOINTS : -MAX_BREAKPOINTS);
  for (const { block } of last) block.cache_control = cache_control;
  return automatic ? cache_control : null;
}

/** The API's own two tiers; the others are hints that it has no place for. */
function tierOf(tier: string | null): string | null {
  if (tier === 'default') return 'standard_only';
  return tier === 'priority' ? 'auto' : null; // a client's `auto` is the API's default
}
