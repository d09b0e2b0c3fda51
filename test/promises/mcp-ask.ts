import { gives, type McpServer, type McpToolScript } from '../support/mcp-server.ts';

/** A tool that adds. */
export const add: McpToolScript = {
  name: 'add',
  description: 'Adds two numbers.',
  inputSchema: {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: { a: { type: 'number' }, b: { type: 'number' } },
  },
  annotations: { readOnlyHint: true, title: 'Add' },
  run: ({ a, b }) => gives(String(a + b)),
};

/** A tool of this name that gives this text. */
export function tool(name: string, text = name): McpToolScript {
  return { name, run: () => gives(text) };
}

/** The entry of `tools` that names a server, whose calls need no approval. */
export function entryFor({ label, url }: McpServer, more: object = {}) {
  return { type: 'mcp', server_label: label, server_url: url, require_approval: 'never', ...more };
}

/** What a model says that calls a tool of a server. */
export function callOf(
  { label }: { label: string },
  { name = 'add', args = { a: 2, b: 3 } as object | string, id = 'c1' } = {},
) {
  return { name: `mcp_${label}__${name}`, args: typeof args === 'string' ? args : JSON.stringify(args), id };
}
