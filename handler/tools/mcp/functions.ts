import type { ItemEvent } from '../../events/events.ts';
import { itemEvents } from '../../events/item-events.ts';
import type { FunctionCall } from '../../items/function.ts';
import { newItemId } from '../../items/item.ts';
import { type McpCall, type McpError, mcp_call } from '../../items/mcp.ts';
import { mcpFunctionName } from '../../items/mcp-name.ts';
import { parseObject } from '../../parse-json.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { FunctionTool } from '../../protocol/tools.ts';
import type { TraceHeaders } from '../../trace-headers.ts';
import type { ServerFunction, ToolResult } from '../tool.ts';
import { badArguments } from './failure.ts';
import type { ServerTool } from './session.ts';

/** What the functions of a server's tools do. */
export interface CallsOptions {
  label: string;
  /** What a client says of the server, for the model. */
  description: string | null;
  needsApproval(tool: ServerTool): boolean;
  /** The id of a request to approve a call. */
  askId(tool: ServerTool, args: string): Promise<string>;
  /** What a client has approved: the calls by their ids. A tool that is another by now is asked about again. */
  approved: ReadonlyMap<string, { isChanged: boolean }>;
  /** Calls a tool; gives its output, or why there is none. */
  call(
    tool: ServerTool,
    args: JsonObject,
    signal: AbortSignal,
    trace: TraceHeaders | undefined,
  ): Promise<string | McpError>;
}

/** The functions that tools of a server are to a model. Of two with one name the first counts. */
export function functionsOf(tools: readonly ServerTool[], options: CallsOptions): ServerFunction[] {
  const functions = new Map<string, ServerFunction>();
  for (const tool of tools) {
    const definition = definitionOf(tool, options);
    if (!functions.has(definition.name))
      functions.set(definition.name, {
        definition,
        run: (call, signal, { trace }) => run(tool, call, options, signal, trace),
        asks: (call) => asks(tool, call, options),
      });
  }
  return [...functions.values()];
}

function definitionOf({ name, description, inputSchema }: ServerTool, options: CallsOptions): FunctionTool {
  const { $schema: _, ...parameters } = inputSchema; // it says nothing to a model, and some servers refuse it
  const about = options.description ? `(${options.label}: ${options.description})` : '';
  return {
    type: 'function',
    name: mcpFunctionName(options.label, name),
    description: [description, about].filter(Boolean).join('\n') || name,
    parameters: { type: 'object', ...parameters },
    strict: false,
  };
}

async function* run(
  tool: ServerTool,
  call: FunctionCall,
  options: CallsOptions,
  signal: AbortSignal,
  trace: TraceHeaders | undefined,
): AsyncGenerator<ItemEvent, ToolResult> {
  if (asks(tool, call, options)) return ask(tool, call, options);
  const isApproved = options.approved.has(call.call_id);
  const begun: McpCall = {
    type: 'mcp_call',
    id: newItemId('mcp_call'),
    server_label: options.label,
    name: tool.name,
    arguments: call.arguments,
    output: null,
    error: null,
    approval_request_id: isApproved ? call.call_id : null,
    status: 'in_progress',
  };
  const at = { sequence_number: 0, output_index: 0 };
  const of = { ...at, item_id: begun.id };
  yield { type: 'response.output_item.added', ...at, item: { ...begun, arguments: '' } };
  yield { type: 'response.mcp_call.in_progress', ...of };
  yield { type: 'response.mcp_call_arguments.delta', ...of, delta: call.arguments };
  if (isApproved) yield { type: 'response.mcp_call.in_progress', ...of }; // as OpenAI has it
  yield { type: 'response.mcp_call_arguments.done', ...of, arguments: call.arguments };
  const args = call.arguments.trim() === '' ? {} : parseObject(call.arguments);
  const result = args ? await options.call(tool, args, signal, trace) : badArguments();
  const item: McpCall =
    typeof result === 'string'
      ? { ...begun, output: result, status: 'completed' }
      : { ...begun, error: result, status: 'failed' };
  yield { type: `response.mcp_call.${item.error ? 'failed' : 'completed'}`, ...of };
  yield { type: 'response.output_item.done', ...at, item };
  const { output, failed } = mcp_call.asAnswer(item); // what later turns read of it
  return { output, failed };
}

/** Whether a call has to be approved, and is not, or not as its tool is by now. */
function asks(tool: ServerTool, { call_id }: FunctionCall, { approved, needsApproval }: CallsOptions): boolean {
  return approved.get(call_id)?.isChanged ?? needsApproval(tool);
}

/** Asks whether a call may run, which ends the turn. */
async function ask(
  tool: ServerTool,
  { arguments: args }: FunctionCall,
  { label, askId }: CallsOptions,
): Promise<ToolResult> {
  const id = await askId(tool, args);
  const request = { type: 'mcp_approval_request' as const, id, server_label: label, name: tool.name, arguments: args };
  return { output: 'The user is asked to approve this call.', endTurn: true, last: itemEvents(request, 0) };
}
