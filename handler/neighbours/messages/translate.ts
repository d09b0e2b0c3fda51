import type { ApiError } from '../../errors.ts';
import { shortened } from '../../items/wire-name.ts';
import { parseObject } from '../../parse-json.ts';
import type { ReasoningEffort } from '../../protocol/reasoning.ts';
import type { CreateRequest } from '../../protocol/request.ts';
import type { LocatedItems } from '../located-items.ts';
import { type OpenReasoning, toItems } from './input.ts';
import type { MessagesCreate } from './request.ts';
import { OfferedTools } from './tools.ts';

/** How much of its thinking the model's reply shows: with its words, sealed only, or not at all. */
export type ThinkingShown = 'words' | 'sealed' | 'nothing';

/** A request as the Responses API has it. */
export interface TranslatedMessages {
  create: CreateRequest & { model: string; stops?: readonly string[] };
  shown: ThinkingShown;
  /** The same error with the names that the fields have in the Messages API. */
  inItsTerms(error: ApiError): ApiError;
}

/** Thinking within a budget of so many tokens at most, as an effort that all models which think know. */
const EFFORTS: readonly (readonly [budget: number, effort: ReasoningEffort])[] = [
  [2_048, 'low'],
  [8_192, 'medium'],
];

/**
 * A request of the Messages API as a create that stores nothing. `count` is a request whose tokens are counted, which has fewer
 * members. Throws an ApiError that names what cannot be carried.
 */
export async function translateMessages(
  body: Omit<MessagesCreate, 'max_tokens'> & { max_tokens?: number },
  open: OpenReasoning,
): Promise<TranslatedMessages> {
  const tools = new OfferedTools(body.tools ?? []);
  const list = await toItems(body, tools, open);
  const { tools: offered, places } = tools.list;
  const { thinking, output_config, tool_choice, stop_sequences, cache_control, metadata } = body;
  const shown = shownOf(thinking);
  const effort = effortOf(body);
  const create: TranslatedMessages['create'] = {
    model: body.model,
    input: list.items,
    instructions: typeof body.system === 'string' ? body.system : null,
    store: false,
    stream: body.stream === true,
    max_output_tokens: body.max_tokens,
    temperature: body.temperature,
    top_p: body.top_p,
    tools: offered,
    tool_choice: choiceOf(tool_choice, tools),
    parallel_tool_calls:
      tool_choice && 'disable_parallel_tool_use' in tool_choice && tool_choice.disable_parallel_tool_use ? false : null,
    reasoning: { effort, summary: shown === 'nothing' ? null : 'auto' },
    text: output_config?.format
      ? { format: { type: 'json_schema', name: 'output', schema: output_config.format.schema, strict: true } }
      : null,
    include: shown === 'nothing' ? null : ['reasoning.encrypted_content'],
    user: metadata?.user_id == null ? null : userOf(metadata.user_id),
    service_tier: tierOf(body),
    prompt_cache_options: cache_control ? { mode: 'implicit', ttl: cache_control.ttl === '1h' ? '30m' : null } : null,
    ...(stop_sequences && stop_sequences.length > 0 && { stops: stop_sequences }),
  };
  return { create, shown, inItsTerms: (error) => inItsTerms(error, list, places) };
}

function shownOf(thinking: MessagesCreate['thinking']): ThinkingShown {
  // Who has not asked for thinking reads the first block as the answer.
  if (!thinking || thinking.type === 'disabled') return 'nothing';
  return thinking.display === 'omitted' ? 'sealed' : 'words';
}

/** The effort that is asked for; null for `high`, which is the API's default, and which models that do not think are sent as well. */
function effortOf({
  thinking,
  output_config,
}: Pick<MessagesCreate, 'thinking' | 'output_config'>): ReasoningEffort | null {
  if (thinking?.type === 'disabled') return 'none';
  const effort = output_config?.effort;
  if (effort) return effort === 'high' ? null : effort;
  if (thinking?.type !== 'enabled') return null;
  return EFFORTS.find(([budget]) => thinking.budget_tokens <= budget)?.[1] ?? 'high';
}

function choiceOf(choice: MessagesCreate['tool_choice'], tools: OfferedTools): CreateRequest['tool_choice'] {
  switch (choice?.type) {
    case 'any':
      return 'required';
    case 'tool': {
      const type = tools.hostedType(choice.name);
      return type ? ({ type } as CreateRequest['tool_choice']) : { type: 'function', name: choice.name }; // a type that is none is refused
    }
    default:
      return choice?.type;
  }
}

/**
 * The end user, in the 64 characters that OpenAI takes (other servers take 128, and all refuse more). What Claude Code sends holds
 * its session as well, in one form or another: https://github.com/looplj/axonhub/issues/1669.
 */
function userOf(id: string): string {
  const { account_uuid, device_id } = parseObject(id) ?? {};
  const known = [account_uuid, device_id].find((one) => typeof one === 'string' && one !== '');
  return shortened(typeof known === 'string' ? known : id.replace(/_session_.*$/s, ''));
}

function tierOf({
  service_tier,
  speed,
}: Pick<MessagesCreate, 'service_tier' | 'speed'>): CreateRequest['service_tier'] {
  if (speed === 'fast') return 'fast';
  return service_tier === 'standard_only' ? 'default' : service_tier;
}

/** The names of members that have others in the Messages API. */
const NAMES: Readonly<Record<string, string>> = {
  input: 'messages',
  instructions: 'system',
  max_output_tokens: 'max_tokens',
  parallel_tool_calls: 'tool_choice.disable_parallel_tool_use',
  reasoning: 'thinking',
  'reasoning.effort': 'output_config.effort',
  'reasoning.summary': 'thinking',
  text: 'output_config.format',
  user: 'metadata.user_id',
  include: 'thinking',
  prompt_cache_options: 'cache_control',
};

function inItsTerms(error: ApiError, list: LocatedItems, toolPlaces: readonly string[]): ApiError {
  const { param } = error;
  if (param === null) return error;
  const [, member = '', index, part, rest = ''] =
    /^(\w+)(?:\[(\d+)\])?(?:\.(?:content|output)\[(\d+)\])?(.*)$/.exec(param) ?? [];
  if (index !== undefined && member === 'input') {
    const place = list.placeOf(Number(index), part === undefined ? undefined : Number(part));
    return place === undefined ? error : error.about(place);
  }
  if (index !== undefined && member === 'tools') {
    const place = toolPlaces[Number(index)];
    return place === undefined ? error : error.about(`${place}${rest.replace(/^\.parameters/, '.input_schema')}`);
  }
  const name = NAMES[param] ?? NAMES[member];
  return name === undefined ? error : error.about(name);
}
