import { ApiError, unsupported, wordOf } from '../errors.ts';
import type { ClientItem, Item } from '../items/item.ts';
import { nearest } from '../nearest.ts';
import { hostedToolOf } from '../protocol/hosted-tools.ts';
import type { EchoedTool } from '../protocol/response.ts';
import { strictByDefault } from '../protocol/strict.ts';
import { type ClientTool, clientTools, type FunctionTool, isClientType } from '../protocol/tools.ts';
import { type ConfiguredFunction, functionsOf } from '../tools/functions/configured-function.ts';
import { functionTool } from '../tools/functions/function-tool.ts';
import type { Tool, ToolContext, ToolUse } from '../tools/tool.ts';
import { check } from '../validate.ts';

/** A request's tools by who runs them, and as the response echoes them. */
export interface SortedTools {
  /** Tools the client runs, with their places in the request. */
  client: Map<ClientTool, string>;
  /** The names of functions that the server has, and that the client asks for by them. */
  named: string[];
  uses: ToolUse[];
  echoed: EchoedTool[];
  /** The types of those that were left out. */
  leftOut: string[];
}

type Entry = { type: string; [key: string]: unknown };

/** Tools this server runs, by type, and the hosted tools that are left out of requests where none of its own has the type. */
export interface ServerTools {
  registered: ReadonlyMap<string, Tool>;
  /** Functions by configuration, or of a program. Default: none. */
  functions?: readonly ConfiguredFunction[];
  dropped: ReadonlySet<string>;
}

/** The tool of this server that a type means: a preview or a dated type of a hosted tool is the same tool. */
function toolOf(type: string, registered: ServerTools['registered']): Tool | undefined {
  return registered.get(type) ?? registered.get(hostedToolOf(type) ?? '');
}

/** Whether tools of this type are left out of requests. */
function isLeftOut(type: string, { registered, dropped }: ServerTools): boolean {
  return !toolOf(type, registered) && dropped.has(hostedToolOf(type) ?? '');
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
  const named: string[] = [];
  const own = functionsOf(serverTools.functions ?? [], context.caller);
  const echoed: EchoedTool[] = [];
  const leftOut: string[] = [];
  for (const [index, entry] of tools.entries()) {
    const param = `tools[${index}]`;
    const tool = toolOf(entry.type, serverTools.registered);
    if (isLeftOut(entry.type, serverTools)) {
      leftOut.push(entry.type);
      continue;
    }
    if (tool) {
      uses.push({ tool, config: tool.parse(entry, param, context), entry });
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
    if (clientTool.type === 'function' && isBare(clientTool) && own.has(clientTool.name)) {
      checkServed(clientTool, param);
      named.push(clientTool.name);
    } else client.set(clientTool, param);
    echoed.push(echo(clientTool.type === 'function' ? strictByDefault(clientTool) : clientTool));
  }
  return { client, named, uses, echoed, leftOut };
}

/** Whether an entry names a function, and says nothing of it. */
function isBare({ description, parameters }: FunctionTool): boolean {
  return description == null && parameters == null;
}

/** Throws an ApiError for what a client cannot ask of a function that this server runs. */
function checkServed({ defer_loading, async: isAsync }: FunctionTool, param: string): void {
  const why = 'is not for a function that this server runs: it is offered at once, and awaited';
  if (defer_loading === true) throw unsupported(`${param}.defer_loading`, why);
  if (isAsync === true) throw unsupported(`${param}.async`, why);
}

/**
 * The functions of this server that a turn is offered: those that its request names, and those for every turn. A client's own of the same name
 * wins.
 */
export function offeredFunctions(
  { functions = [] }: ServerTools,
  named: readonly string[],
  clients: Iterable<ClientTool>,
  caller: ToolContext['caller'],
): ToolUse[] {
  if (functions.length === 0) return [];
  const taken = new Set(Array.from(clients, (tool) => ('name' in tool ? tool.name : tool.type)));
  const asked = new Set(named);
  const offered = [...functionsOf(functions, caller).values()].filter(
    ({ offer, definition: { name } }) => (offer === 'always' || asked.has(name)) && !taken.has(name),
  );
  return offered.length > 0 ? [{ tool: functionTool, config: offered }] : [];
}

/** Why a type of tool is not taken, in words that follow the name of its field. */
function whyUnknown(type: string, registered: ReadonlyMap<string, Tool>): string {
  const word = wordOf(type);
  const hosted = hostedToolOf(type);
  const known = [...Object.keys(clientTools), ...registered.keys()];
  const near = nearest(type, known);
  const given = word ? `: it is ${word}${near ? ` (did you mean "${near}"?)` : ''}` : '';
  const runs = hosted === 'mcp' ? '' : `\`hosted.${hosted}\` in the configuration can have it run here, and `;
  const cure = hosted ? `; ${runs}\`dropTools\` can leave it out` : `; there are ${known.join(', ')}`;
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
