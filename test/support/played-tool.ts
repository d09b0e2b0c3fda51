import { unsupported } from '../../handler/errors.ts';
import type { ItemEvent } from '../../handler/events/events.ts';
import type { FunctionCall } from '../../handler/items/function.ts';
import { newItemId } from '../../handler/items/item.ts';
import type { McpCall } from '../../handler/items/mcp.ts';
import type { FunctionTool } from '../../handler/protocol/tools.ts';
import type { ServerFunction, ServerFunctions, Tool, ToolContext, ToolResult } from '../../handler/tools/tool.ts';

type Run = (call: FunctionCall, signal: AbortSignal, context: ToolContext) => ToolResult | Promise<ToolResult>;

/** What the played tool does: before it is open, its functions, and what else it has then. */
export interface Part extends Omit<ServerFunctions, 'functions'> {
  opens?(signal: AbortSignal, context: ToolContext): Promise<unknown>;
  functions?: Record<string, Run>;
  /** Functions that yield what clients see of them. */
  showing?: Record<string, ServerFunction['run']>;
}

const parts = new Map<string, Part>();

/** An entry of `tools` by which the played tool plays this part, shown to clients as an MCP call where it opens. */
export function plays(part: Part): { type: 'played_tool'; label: string } {
  const label = `part-${parts.size}`;
  parts.set(label, part);
  return { type: 'played_tool', label };
}

/** A server-side tool for tests whose behaviour a test writes. Its calls are MCP calls to clients, unless a function yields events itself. */
export const playedTool: Tool<{ label: string; part: Part }> = {
  type: 'played_tool',
  parse({ label }, param) {
    const part = typeof label === 'string' ? parts.get(label) : undefined;
    if (typeof label !== 'string' || !part) throw unsupported(`${param}.label`, 'must be the label of a part');
    return { label, part };
  },
  echo: ({ secret: _, ...entry }) => entry,
  async *open({ label, part: { opens, functions = {}, showing = {}, ...rest } }, signal, context) {
    if (opens) yield* shown(mcpCall(label, 'open', '{}'), async () => (await opens(signal, context)) ?? 'opened');
    return {
      ...rest,
      functions: [
        ...Object.entries(showing).map(([name, run]) => ({ definition: definitionOf(name), run })),
        ...Object.entries(functions).map(([name, run]) => ({
          definition: definitionOf(name),
          run: (call: FunctionCall, own: AbortSignal, its: ToolContext) =>
            shown(mcpCall(label, name, call.arguments), () => run(call, own, its)),
        })),
      ],
    };
  },
};

function definitionOf(name: string): FunctionTool {
  return { type: 'function', name, description: `played ${name}`, parameters: { type: 'object' } };
}

/** A call as the client sees it, from its beginning to what it has come to. */
export async function* shown<R>(item: McpCall, work: () => R | Promise<R>): AsyncGenerator<ItemEvent, R> {
  const at = { sequence_number: 0, output_index: 0 };
  yield { type: 'response.output_item.added', ...at, item };
  yield { type: 'response.mcp_call.in_progress', ...at, item_id: item.id };
  const value = await work();
  const output = JSON.stringify(value) ?? '';
  yield { type: 'response.mcp_call.completed', ...at, item_id: item.id };
  yield { type: 'response.output_item.done', ...at, item: { ...item, output, status: 'completed' } };
  return value;
}

/** An MCP call that has just begun. */
export function mcpCall(server_label: string, name: string, written: string): McpCall {
  const item = { type: 'mcp_call' as const, id: newItemId('mcp_call'), server_label, name, arguments: written };
  return { ...item, output: null, error: null, approval_request_id: null, status: 'in_progress' };
}

/** A place where so many meet: each waits for the others. */
export function meeting(size: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let here = 0;
  return () => {
    if (++here === size) resolve();
    return promise;
  };
}
