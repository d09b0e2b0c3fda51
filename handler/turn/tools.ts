import { ApiError, unsupported, wordOf } from '../errors.ts';
import type { ClientItem, Item } from '../items/item.ts';
import { nearest } from '../nearest.ts';
import { hostedToolOf } from '../protocol/hosted-tools.ts';
import type { EchoedTool } from '../protocol/response.ts';
import { strictByDefault } from '../protocol/strict.ts';
import { type ClientTool, clientTools, isClientType } from '../protocol/tools.ts';
import type { Tool, ToolContext, ToolUse } from '../tools/tool.ts';
import { check } from '../validate.ts';

/** A request's tools by who runs them, and as the response echoes them. */
export interface SortedTools {
  /** Tools the client runs, with their places in the request. */
  client: Map<ClientTool, string>;
  uses: ToolUse[];
  echoed: EchoedTool[];
  /** The types of those that were left out. */
  leftOut: string[];
}

type Entry = { type: string; [key: string]: unknown };

/** Tools this server runs, by type, and the hosted tools that are left out of requests where none of its own has the type. */
export interface ServerTools {
  registered: ReadonlyMap<string, Tool>;
  dropped: ReadonlySet<string>;
}

/** Whether tools of this type are left out of requests. */
function isLeftOut(type: string, { registered, dropped }: ServerTools): boolean {
  return !registered.has(type) && dropped.has(hostedToolOf(type) ?? '');
}

/** Sorts the entries of `tools`; throws an ApiError that names the field of one that is wrong or not known. */
export function sortTools(
  tools: readonly Entry[],
  serverTools: ServerTools,
  context: Pick<ToolContext, 'caller'>,
): SortedTools {
  const client = new Map<ClientTool, string>();
  const names = new Set<string>();
  const uses: ToolUse[] = [];
  const echoed: EchoedTool[] = [];
  const leftOut: string[] = [];
  for (const [index, entry] of tools.entries()) {
    const param = `tools[${index}]`;
    const tool = serverTools.registered.get(entry.type);
    if (isLeftOut(entry.type, serverTools)) {
      leftOut.push(entry.type);
      continue;
    }
    if (tool) {
      uses.push({ tool, config: tool.parse(entry, param, context) });
      echoed.push(tool.echo?.(entry) ?? entry);
      continue;
    }
    const clientTool = toClientTool(entry, param, serverTools);
    if ('name' in clientTool && names.has(clientTool.name)) {
      throw new ApiError('invalid_value', `${param}.name is the name of an earlier function`, {
        param: `${param}.name`,
      });
    }
    if ('name' in clientTool) names.add(clientTool.name);
    client.set(clientTool, param);
    echoed.push(echo(clientTool.type === 'function' ? strictByDefault(clientTool) : clientTool));
  }
  return { client, uses, echoed, leftOut };
}

/** Why a type of tool is not taken, in words that follow the name of its field. */
function whyUnknown(type: string, registered: ReadonlyMap<string, Tool>): string {
  const word = wordOf(type);
  const hosted = hostedToolOf(type);
  const known = [...Object.keys(clientTools), ...registered.keys()];
  const near = nearest(type, known);
  const given = word ? `: it is ${word}${near ? ` (did you mean "${near}"?)` : ''}` : '';
  const cure = hosted ? `; \`dropTools\` in the configuration can leave it out` : `; there are ${known.join(', ')}`;
  return `is not a type of tool that this server supports${given}${cure}`;
}

function toClientTool(entry: Entry, param: string, { registered }: ServerTools): ClientTool {
  if (!isClientType(entry.type)) {
    throw unsupported(`${param}.type`, whyUnknown(entry.type, registered));
  }
  return check(clientTools[entry.type], entry, param);
}

/** A tool as a response echoes it: a function with null or false for absent members. */
export function echo(tool: ClientTool): EchoedTool {
  if (tool.type !== 'function') return tool;
  const { description = null, parameters = null, strict, async: isAsync, defer_loading, ...rest } = tool;
  return {
    ...rest,
    description,
    parameters,
    strict: strict ?? false,
    ...(isAsync != null && { async: isAsync }),
    ...(defer_loading != null && { defer_loading }),
  };
}

/** Tools that items add, each with its place in the request's input, if it is there. */
export interface AddedTools {
  tools: Map<ClientTool, string>;
  /** Those that a search loaded. */
  fromSearch: Set<ClientTool>;
  /** The types of those that were left out. */
  leftOut: string[];
}

/**
 * The tools added by items: by the client, or by a search. Throws an ApiError for an unknown one, which names its
 * field if it is in this request's input (`param`), whose first `prompted` items are the prompt's.
 */
export function addedTools(
  items: readonly Item[],
  { input, prompted }: { input?: string | readonly ClientItem[] | null | undefined; prompted: number },
  serverTools: ServerTools,
  param = 'input',
): AddedTools {
  const places = new Map<object, string>();
  for (const [index, item] of (Array.isArray(input) ? input : []).entries()) {
    const place = index < prompted ? 'prompt' : `${param}[${index - prompted}]`;
    for (const [at, tool] of toolsOf(item).entries())
      places.set(tool, index < prompted ? place : `${place}.tools[${at}]`);
  }
  const added: AddedTools = { tools: new Map(), fromSearch: new Set(), leftOut: [] };
  for (const item of items) {
    for (const entry of toolsOf(item)) {
      if (isLeftOut(entry.type, serverTools)) {
        added.leftOut.push(entry.type);
        continue;
      }
      const place = places.get(entry) ?? param;
      const tool = toClientTool({ ...entry }, place, serverTools);
      added.tools.set(tool, place);
      if (item.type === 'tool_search_output') added.fromSearch.add(tool);
    }
  }
  return added;
}

function toolsOf(item: Item | ClientItem): readonly { type: string }[] {
  return item.type === 'additional_tools' || item.type === 'tool_search_output' ? item.tools : [];
}
