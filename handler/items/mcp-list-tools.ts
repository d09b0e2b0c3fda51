import * as v from 'valibot';
import { AnyObject, Id, maybe } from '../protocol/fields.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { OfItem } from './event.ts';
import type { ShownDirectiveKind } from './kind.ts';
import { unchanged } from './stream.ts';

/** A list from an earlier turn, sent back by the client. Nothing is done by what it says. */
const InputMcpListTools = v.object({
  type: v.literal('mcp_list_tools'),
  id: Id,
  server_label: v.string(),
  tools: v.array(AnyObject),
  error: maybe(v.string()),
});

/** A tool of an MCP server, its schema as the server gave it. */
export interface ListedTool extends JsonObject {
  name: string;
  input_schema: unknown;
  description?: string | null;
  annotations?: unknown;
}

/** The tools that an MCP server has, as far as the request allows them. */
export interface McpListTools {
  type: 'mcp_list_tools';
  id: string;
  server_label: string;
  tools: ListedTool[];
  /** Why there is no list; null where a list has nothing in it, and else absent. */
  error?: string | null;
}

/** How far listing has come. */
type ListingEvent = OfItem & { type: `response.mcp_list_tools.${'in_progress' | 'completed' | 'failed'}` };

/** The tools of an MCP server: what models read of them is their functions. */
export const mcp_list_tools: ShownDirectiveKind<typeof InputMcpListTools, McpListTools, ListingEvent> = {
  role: 'directive',
  schema: InputMcpListTools,
  title: 'InputMcpListTools',
  prefix: 'mcpl',
  keep: ({ error, tools, ...input }, id) => ({
    ...input,
    id,
    tools: tools as ListedTool[], // whatever a client says of them is handed on unread
    ...ending(tools, error),
  }),
  stream: {
    readWhole: false,
    begin: ({ error: _, ...item }) => ({ ...item, tools: [] }),
    *events({ error }, at) {
      yield { type: 'response.mcp_list_tools.in_progress', ...at };
      yield { type: `response.mcp_list_tools.${error ? 'failed' : 'completed'}`, ...at };
    },
    fold: {
      'response.mcp_list_tools.in_progress': unchanged,
      'response.mcp_list_tools.completed': unchanged,
      'response.mcp_list_tools.failed': unchanged,
    },
  },
};

/** What a list that is whole has beside its tools. */
export function ending(tools: readonly unknown[], error?: string): Pick<McpListTools, 'error'> {
  return error === undefined && tools.length > 0 ? {} : { error: error ?? null };
}

/** Whether a list has only begun. */
export function isUnlisted({ tools, error }: McpListTools): boolean {
  return tools.length === 0 && error === undefined;
}
