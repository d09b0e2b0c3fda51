import { type IdPrefix, newId } from '../ids.ts';
import type { InputPart, OutputText, PromptCacheBreakpoint, ReplayedText } from '../protocol/content.ts';
import type { InputItem, InputMessage, Item, ItemReference, Message } from '../protocol/items.ts';
import { present } from '../protocol/json.ts';

/** An item that a client sent, with references resolved. */
export type GivenItem = Exclude<InputItem, ItemReference | { type: 'compaction_trigger' }>;

/** How the ids of items begin. */
const prefixes: Record<GivenItem['type'], IdPrefix> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  function_call_output: 'fco',
  mcp_call: 'mcp',
  custom_tool_call: 'ctc',
  custom_tool_call_output: 'ctco',
  local_shell_call: 'lsh',
  local_shell_call_output: 'lsho',
  shell_call: 'sh',
  shell_call_output: 'sho',
  apply_patch_call: 'apc',
  apply_patch_call_output: 'apco',
  computer_call: 'cu',
  computer_call_output: 'cuo',
  tool_search_call: 'tsc',
  tool_search_output: 'tso',
  additional_tools: 'at',
  configuration_update: 'cfg',
  compaction: 'cmp',
};

/** What a client sent as an item, in the form in which it is kept: with an id and a status, content as parts, no nulls. */
export function toItem(input: GivenItem): Item {
  if (input.type === 'message') return toMessage(input);
  const kept = { ...present(input), id: ownId(input) || newId(prefixes[input.type]), ...members(input) };
  // The schema's types and those of kept items differ only in what may be missing or null, which is put right here.
  return (hasStatus(input) ? { ...kept, status: input.status ?? 'completed' } : kept) as Item;
}

/** An item's own id, if it has one: in the API's form the output of a local shell has that of its call for it. */
function ownId(input: Exclude<GivenItem, InputMessage>): string | null | undefined {
  const isCalls = input.type === 'local_shell_call_output' && (input.call_id || input.id) === input.id;
  return isCalls ? undefined : input.id;
}

function hasStatus(input: GivenItem): input is Exclude<GivenItem, { type: (typeof WITHOUT_STATUS)[number] }> {
  return !WITHOUT_STATUS.some((type) => type === input.type);
}

const WITHOUT_STATUS = ['additional_tools', 'configuration_update', 'compaction'] as const;

/** The members that a kept item of this type always has, or has in another form. */
function members(input: GivenItem): object {
  switch (input.type) {
    case 'reasoning':
      return { summary: input.summary ?? [], content: input.content ?? [] };
    case 'function_call_output':
    case 'custom_tool_call_output':
      return { output: typeof input.output === 'string' ? input.output : input.output.map(toPart) };
    case 'mcp_call':
      return { output: input.output ?? null, error: input.error ?? null };
    case 'shell_call':
      return {
        action: { timeout_ms: null, max_output_length: null, ...present(input.action) },
        environment: input.environment ?? null,
      };
    case 'shell_call_output':
      return { max_output_length: input.max_output_length ?? null };
    case 'computer_call_output':
      return { output: withoutNulls(input.output) };
    case 'local_shell_call_output':
      return { call_id: input.call_id || input.id || '' };
    case 'tool_search_call':
    case 'tool_search_output':
      return { call_id: input.call_id ?? null };
    default:
      return {};
  }
}

/** The same of a message. */
export function toMessage({ id, role, content, status, phase }: InputMessage): Message {
  const parts = typeof content === 'string' ? [{ type: 'input_text' as const, text: content }] : content;
  return {
    type: 'message',
    id: id || newId('msg'),
    role,
    status: status ?? 'completed',
    content: parts.map((part) => {
      if (part.type === 'refusal') return part;
      const said = part.type === 'output_text' || (part.type === 'input_text' && role === 'assistant');
      return said ? outputText(part) : toPart(part);
    }),
    ...(phase != null && { phase }),
  };
}

function outputText({ text, annotations, logprobs }: Omit<ReplayedText, 'type'>): OutputText {
  return { type: 'output_text', text, annotations: annotations ?? [], logprobs: logprobs ?? [] };
}

function toPart(part: InputPart): InputPart {
  const kept = withoutNulls(part);
  return kept.type === 'input_image' ? { ...kept, detail: kept.detail ?? 'auto' } : kept;
}

function withoutNulls<P extends { prompt_cache_breakpoint?: PromptCacheBreakpoint | null | undefined }>(part: P): P {
  const { prompt_cache_breakpoint: end } = part;
  return { ...present(part), ...(end && { prompt_cache_breakpoint: present(end) }) };
}
