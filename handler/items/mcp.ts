import * as v from 'valibot';
import type { ItemStatus } from '../protocol/content.ts';
import { AnyObject, Id, maybe, Text } from '../protocol/fields.ts';
import { isObject } from '../protocol/json.ts';
import type { Growing, OfItem } from './event.ts';
import { callIdOf, type ServerCallKind } from './kind.ts';
import { mcpFunctionName } from './mcp-name.ts';
import { outputParts, outputText } from './mcp-output.ts';
import { noMedia } from './media.ts';
import { unchanged } from './stream.ts';

/** A call that a server-side tool ran in an earlier turn, replayed by the client. */
const InputMcpCall = v.object({
  type: v.literal('mcp_call'),
  id: Id,
  server_label: v.string(),
  name: v.pipe(v.string(), v.nonEmpty(), v.maxLength(256)),
  arguments: Text,
  output: maybe(Text),
  error: maybe(AnyObject),
  approval_request_id: maybe(v.string()),
  status: maybe(v.picklist(['in_progress', 'completed', 'incomplete', 'calling', 'failed'])),
});

/** Why a call failed: the tool says so, or its server, or it was not reached. */
export type McpError =
  | { type: 'mcp_tool_execution_error'; content: unknown }
  | { type: 'mcp_protocol_error' | 'http_error'; code: number; message: string };

/** A call that a server-side tool ran, as the client sees it. */
export interface McpCall {
  type: 'mcp_call';
  id: string;
  server_label: string;
  name: string;
  arguments: string;
  output: string | null;
  error: McpError | null;
  /** The request that the client has approved, if it was asked. */
  approval_request_id: string | null;
  status: ItemStatus | 'calling' | 'failed';
}

/** How far a call has come; its arguments grow, or are whole. */
type McpEvent =
  | (OfItem & { type: `response.mcp_call.${'in_progress' | 'completed' | 'failed'}` })
  | (OfItem & Growing & { type: 'response.mcp_call_arguments.delta' })
  | (OfItem & { type: 'response.mcp_call_arguments.done'; arguments: string });

/** The output of a call that was cut: it may have run. */
const UNFINISHED = 'This call was not finished.';

/** Why a call failed, for the model. */
function inWords(error: McpError): string {
  if (error.type === 'mcp_tool_execution_error') {
    const { content } = error;
    const said = Array.isArray(content) && content.every(isObject) ? outputText(content) : content;
    return `The tool failed: ${typeof said === 'string' ? said : JSON.stringify(said)}`;
  }
  const { message } = error;
  return `The call failed: ${typeof message === 'string' ? message : JSON.stringify(error)}`; // a client's may be anything
}

/** A tool call that ran on a server, with its result. */
export const mcp_call: ServerCallKind<typeof InputMcpCall, McpCall, McpEvent> = {
  role: 'server call',
  schema: InputMcpCall,
  title: 'InputMcpCall',
  prefix: 'mcp',
  keep: (input, id) => ({
    ...input,
    id,
    output: input.output ?? null,
    error: (input.error ?? null) as McpError | null, // whatever a client says of it is handed on unread
    approval_request_id: input.approval_request_id ?? null,
    status: input.status ?? 'completed',
  }),
  asCall: (item) => ({
    id: callIdOf(item),
    name: mcpFunctionName(item.server_label, item.name),
    arguments: item.arguments,
  }),
  asAnswer(item) {
    const { output, error, status } = item;
    const id = callIdOf(item);
    if (error !== null) return { id, output: inWords(error), failed: true };
    if (output === null && status !== 'completed') return { id, output: UNFINISHED, failed: false };
    return { id, output: outputParts(output ?? ''), failed: false };
  },
  failed: (item, why) => ({
    ...item,
    status: 'failed',
    error: { type: 'mcp_tool_execution_error', content: [{ type: 'text', text: why }] },
  }),
  media: noMedia,
  stream: {
    readWhole: true,
    begin: (item, again) => ({
      ...item,
      status: 'in_progress',
      ...(again && { arguments: '', output: null, error: null }),
    }),
    *events(item, at, again) {
      if (!again) return; // a whole one comes from a server that has run it before it was told
      yield { type: 'response.mcp_call.in_progress', ...at };
      yield { type: 'response.mcp_call_arguments.delta', ...at, delta: item.arguments };
      yield { type: 'response.mcp_call_arguments.done', ...at, arguments: item.arguments };
      if (item.error) yield { type: 'response.mcp_call.failed', ...at };
      else if (item.status === 'completed') yield { type: 'response.mcp_call.completed', ...at };
    },
    fold: {
      'response.mcp_call.in_progress': unchanged,
      'response.mcp_call_arguments.delta': (item, { delta }) => ({ ...item, arguments: item.arguments + delta }),
      'response.mcp_call_arguments.done': (item, event) => ({ ...item, arguments: event.arguments }),
      'response.mcp_call.completed': unchanged,
      'response.mcp_call.failed': unchanged,
    },
  },
};
