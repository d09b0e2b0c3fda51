import * as v from 'valibot';
import type { ItemStatus } from '../protocol/content.ts';
import { AnyObject, Id, maybe, Text } from '../protocol/fields.ts';
import { callIdOf, type ServerCallKind } from './kind.ts';
import { noMedia } from './media.ts';

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

/** Why a server-side tool's call failed. */
type McpError =
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
  approval_request_id?: string;
  status: ItemStatus | 'calling' | 'failed';
}

/** A call of a tool that ran on a server, and what it gave. */
export const mcp_call: ServerCallKind<typeof InputMcpCall, McpCall> = {
  role: 'server call',
  schema: InputMcpCall,
  title: 'InputMcpCall',
  prefix: 'mcp',
  keep: (given, id) => ({
    ...given,
    id,
    output: given.output ?? null,
    error: (given.error ?? null) as McpError | null, // whatever a client says of it is handed on unread
    status: given.status ?? 'completed',
  }),
  asCall: (item) => ({ id: callIdOf(item), name: item.name, arguments: item.arguments }),
  asAnswer(item) {
    const { output, error } = item;
    return { id: callIdOf(item), output: output ?? (error ? JSON.stringify(error) : ''), failed: error !== null };
  },
  media: noMedia,
};
