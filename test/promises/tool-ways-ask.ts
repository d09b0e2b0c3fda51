import type { Door } from '../support/doors/door.ts';
import type { McpServer } from '../support/mcp-server.ts';
import { callsFunctions, type Script, says } from '../support/model/scripted.ts';
import { callOf } from './mcp-ask.ts';
import { NEEDS_HEADERS, type Promised, promise, type Skips } from './promise.ts';
import { modelInput } from './state-ask.ts';

/** A promise on web searches and MCP servers, in another way in than a create over HTTP. */
export function inAnotherWay(
  id: string,
  says: string,
  run: (door: Door) => Promise<void>,
  source: Promised['source'],
  skips: Skips = NEEDS_HEADERS,
): void {
  promise(`tool-ways.${id}`, { says, source, hosted: true }, run, skips);
}

/** A search, as a model asks for it. */
export const search = { name: 'web_search', args: '{"query":"snow"}', id: 's1' };
/** The end of a text that cites a page on snow. */
export const SNOW = /\(\[127\.0\.0\.1\]\(http:.*\/snow\)\)\.$/;

/** A search and a call of an MCP tool in one round, then a text that cites. */
export function both(server: McpServer): Script[] {
  return [callsFunctions(search, callOf(server)), says('In March【1】.'), says('Sure【1】.')];
}

/** What a model reads in the turn after `both`, without ids and addresses. */
export function told(door: Door, model: string): string[] {
  return modelInput(door, model).map((line) =>
    line
      .replace(/\b(ws|mcp)_[\da-f]{48}\b/, 'ID')
      .replace(/(tool ID: Found).*/s, '$1')
      .replace(/http:[^)]*/, 'URL'),
  );
}

/** What a model reads after `both`, and the `later` lines. */
export function toldOf({ label }: McpServer, ...later: string[]): string[] {
  return [
    'user: Hi',
    `assistant: web_search {"query":"snow"} #ID`,
    'tool ID: Found',
    `assistant: mcp_${label}__add {"a":2,"b":3} #ID`,
    'tool ID: 5',
    'assistant: In March([127.0.0.1](URL)).',
    ...later,
  ];
}
