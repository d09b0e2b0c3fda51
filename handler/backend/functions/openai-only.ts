import { unsupported } from '../../errors.ts';
import type { Item } from '../../items/item.ts';
import type { Message } from '../../items/message.ts';
import type { InputPart } from '../../protocol/content.ts';
import type { ClientTool } from '../../protocol/tools.ts';
import type { ModelCall } from '../backend.ts';

// Members that only OpenAI's servers know. Others may refuse them, so they are dropped where the answer means the same
// without.

const PART_MEMBERS = ['prompt_cache_breakpoint'];
const ITEM_MEMBERS = ['async', 'caller'];
const OUTPUT_MEMBERS = [...ITEM_MEMBERS, 'name', 'namespace'];
const TOOL_MEMBERS = ['allowed_callers', 'async', 'defer_loading', 'output_schema'];

/** A call without the members that only OpenAI's servers know. */
export function withoutOpenAIOnly(call: ModelCall): ModelCall {
  const { context: _, ...reasoning } = call.reasoning;
  return { ...call, input: call.input.map(stripItem), tools: call.tools.map(stripTool), reasoning };
}

/** Throws an ApiError for OpenAI-only members that cannot be dropped, since the answer would mean something else. */
export function refuseOpenAIOnly({ tools, input, params }: ModelCall): void {
  for (const tool of tools) {
    const param = params.get(tool) ?? 'input';
    const members = tool.type === 'namespace' ? tool.tools : [tool];
    const at = members.findIndex((member) => 'async' in member && member.async);
    if (at < 0) continue;
    const place = tool.type === 'namespace' ? `${param}.tools[${at}]` : param;
    throw unsupported(`${place}.async`, 'is not supported by this model backend, which waits for the output');
  }
  if (input.some(isAsync)) {
    const answered = new Set(input.flatMap((item) => ('output' in item && 'call_id' in item ? [item.call_id] : [])));
    if (input.every((item) => !isAsync(item) || answered.has(item.call_id))) return;
    throw unsupported('input', 'holds an asynchronous call without its output, which this model backend cannot read');
  }
}

function isAsync(item: Item): item is Extract<Item, { type: 'function_call' | 'custom_tool_call' }> {
  return 'async' in item && item.async === true;
}

function stripItem(item: Item): Item {
  switch (item.type) {
    case 'message':
      return item.content.some(isMarked) ? { ...item, content: item.content.map(unmarked) } : item;
    case 'function_call_output':
      return { ...without(item, OUTPUT_MEMBERS), output: stripOutput(item.output) };
    case 'custom_tool_call_output':
      return { ...without(item, ITEM_MEMBERS), output: stripOutput(item.output) };
    case 'computer_call_output':
      return { ...item, output: without(item.output, PART_MEMBERS) };
    case 'tool_search_output':
      return { ...item, tools: item.tools.map((tool) => without(tool, TOOL_MEMBERS)) };
    default:
      return without(item, ITEM_MEMBERS);
  }
}

function stripOutput(output: string | InputPart[]): string | InputPart[] {
  return typeof output === 'string' ? output : output.map(unmarked);
}

type Part = Message['content'][number] | InputPart;

function isMarked(part: Part): boolean {
  return 'prompt_cache_breakpoint' in part;
}

function unmarked<P extends Part>(part: P): P {
  return without(part, PART_MEMBERS);
}

function stripTool(tool: ClientTool): ClientTool {
  if (tool.type !== 'namespace') return without(tool, TOOL_MEMBERS);
  return { ...tool, tools: tool.tools.map((member) => without(member, TOOL_MEMBERS)) };
}

/** The object without some of its members, all of which may be missing. */
function without<T extends object>(value: T, names: readonly string[]): T {
  if (!names.some((name) => name in value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name))) as T; // they may be missing
}
