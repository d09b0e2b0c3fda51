import { unsupported } from '../../errors.ts';
import type { ItemEvent } from '../../events/events.ts';
import type { FunctionCall } from '../../items/function.ts';
import { newItemId } from '../../items/item.ts';
import { type McpCall, mcp_call } from '../../items/mcp.ts';
import { FUNCTIONS_LABEL } from '../../items/mcp-name.ts';
import { describe, log } from '../../log.ts';
import type { Tool, ToolContext, ToolResult } from '../tool.ts';
import type { ConfiguredFunction, FunctionAnswer } from './configured-function.ts';

/** Why a function of a program failed, where nothing may be said of it. */
const FAILED: FunctionAnswer = { error: { type: 'http_error', code: 500, message: 'The function failed.' } };

/**
 * The tool of some of the functions that this server has. No request names its type: what it is used for is in its configuration. Clients see a call
 * as an `mcp_call` that has run, since a `function_call` asks them to run it.
 */
export const functionTool: Tool<readonly ConfiguredFunction[]> = {
  type: 'configured_function',
  parse(_entry, param) {
    throw unsupported(`${param}.type`, 'is none of a request: name the function');
  },
  definitions: (functions) => functions.map(({ definition }) => definition),
  async *open(functions) {
    return {
      functions: functions.map((one) => ({
        definition: one.definition,
        run: (call, signal, context) => runShown(one, call, signal, context),
      })),
    };
  },
};

/** Runs a call as its client sees it. */
async function* runShown(
  one: ConfiguredFunction,
  call: FunctionCall,
  signal: AbortSignal,
  context: ToolContext,
): AsyncGenerator<ItemEvent, ToolResult> {
  const begun: McpCall = {
    type: 'mcp_call',
    id: newItemId('mcp_call'),
    server_label: FUNCTIONS_LABEL,
    name: one.definition.name,
    arguments: call.arguments,
    ...{ output: null, error: null, approval_request_id: null, status: 'in_progress' },
  };
  const position = { sequence_number: 0, output_index: 0 };
  const at = { ...position, item_id: begun.id };
  yield { type: 'response.output_item.added', ...position, item: { ...begun, arguments: '' } };
  yield { type: 'response.mcp_call.in_progress', ...at };
  yield { type: 'response.mcp_call_arguments.delta', ...at, delta: call.arguments };
  yield { type: 'response.mcp_call_arguments.done', ...at, arguments: call.arguments };
  const answer = await answerOf(one, call.arguments, signal, context);
  const item: McpCall =
    'error' in answer
      ? { ...begun, error: answer.error, status: 'failed' }
      : { ...begun, output: answer.output, status: 'completed' };
  yield { type: `response.mcp_call.${item.error ? 'failed' : 'completed'}`, ...at };
  yield { type: 'response.output_item.done', ...position, item };
  const { output, failed } = mcp_call.asAnswer(item); // as later turns read it
  return { output, ...(failed && { failed }) };
}

async function answerOf(
  one: ConfiguredFunction,
  args: string,
  signal: AbortSignal,
  context: ToolContext,
): Promise<FunctionAnswer> {
  try {
    return await one.run(args, signal, context);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    log.warn('a function failed', { function: one.definition.name, error: describe(error) });
    return FAILED;
  }
}
