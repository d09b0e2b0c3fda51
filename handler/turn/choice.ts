import { ApiError, unsupported, wordOf } from '../errors.ts';
import { hostedToolOf, notRun } from '../protocol/hosted-tools.ts';
import type { CallChoice, ClientTool, FunctionTool } from '../protocol/tools.ts';
import type { ToolUse } from '../tools/tool.ts';

type AllowedTools = Extract<CallChoice, { type: 'allowed_tools' }>;
type Entry = AllowedTools['tools'][number];

/** The allowed_tools entry that allows the search for deferred tools, and every tool it loads. */
const SEARCH = 'tool_search';

/** The type by which any computer tool is named. */
const COMPUTER = 'computer_use';

/**
 * Throws an ApiError for a choice of a tool that is not in the request. A deferred tool can be allowed, but not forced.
 */
export function checkChoice(
  choice: CallChoice,
  { callable, all }: { callable: readonly ClientTool[]; all: readonly ClientTool[] },
  uses: readonly ToolUse[],
): void {
  const param = 'tool_choice';
  if (choice === 'none' || choice === 'auto') return;
  if (choice === 'required') {
    if (callable.length + uses.length > 0) return;
    throw new ApiError('invalid_value', 'tool_choice is "required" but tools names none', { param });
  }
  const [entries, client] = isList(choice) ? [choice.tools, all] : [[choice], callable];
  for (const entry of entries) {
    if (uses.some((use) => isOf(use, entry) || hasFunction(use, entry)) || client.some((tool) => isNamed(tool, entry)))
      continue;
    const own = uses.flatMap(({ tool, config }) => tool.definitions?.(config) ?? []);
    const there = inTools([...client, ...own]);
    throw new ApiError('invalid_value', `tool_choice names ${wordsFor(entry)}that is not in tools${there}`, { param });
  }
}

/**
 * The choice without the hosted tools that were `leftOut`. Throws an ApiError that names them where it would leave the model
 * none of the `others`.
 */
export function withoutLeftOut(
  choice: CallChoice,
  leftOut: readonly string[],
  others: readonly unknown[],
  uses: readonly ToolUse[],
): CallChoice {
  if (leftOut.length === 0 || (choice !== 'required' && !isList(choice))) return choice;
  const hosted = new Set(leftOut.map(hostedToolOf));
  const isOurs = (entry: Entry) => uses.some((use) => isOf(use, entry));
  const left = isList(choice)
    ? { ...choice, tools: choice.tools.filter((entry) => isOurs(entry) || !hosted.has(hostedToolOf(entry.type))) }
    : choice;
  if ((isList(left) ? left.tools : [...others, ...uses]).length > 0) return left;
  throw unsupported('tool_choice', `leaves nothing but ${notRun(leftOut.join(', '))}`);
}

/** Whether a choice lets the model call a tool. A list allows the tools it names, and all if it names the search. */
export function allows(choice: CallChoice, tool: ClientTool): boolean {
  return !isList(choice) || choice.tools.some((entry) => entry.type === SEARCH || isNamed(tool, entry));
}

/** Whether a choice lets the model call a function of the server; one that is gone was approved when it was there. */
export function mayCall(choice: CallChoice, definition: FunctionTool | undefined): boolean {
  return definition === undefined || (choice !== 'none' && allows(choice, definition));
}

/**
 * An allowed_tools list plus tool_search (if the turn has deferred tools: `searches`) and the tools it has loaded.
 */
export function withSearch(choice: CallChoice, searches: boolean, loadedTools: Iterable<ClientTool>): CallChoice {
  if (!isList(choice)) return choice;
  if (choice.tools.some(({ type }) => type === SEARCH)) return allowAlso(choice, [...loadedTools]);
  return searches ? { ...choice, tools: [...choice.tools, { type: SEARCH }] } : choice;
}

/** An allowed_tools list that names these tools as well. */
export function allowAlso(choice: CallChoice, tools: readonly ClientTool[]): CallChoice {
  if (!isList(choice)) return choice;
  const members = tools.flatMap((tool) => (tool.type === 'namespace' ? tool.tools : [tool]));
  // By keys, since comparing two long lists entry by entry is quadratic.
  const keys = new Set(choice.tools.filter(({ namespace }) => namespace == null).map(keyOf));
  const more = members
    .filter((tool) => !keysOf(tool).some((key) => keys.has(key)))
    .map((tool) => ({ type: tool.type, ...('name' in tool && { name: tool.name }) }));
  return { ...choice, tools: [...choice.tools, ...more] };
}

/** The choice after a function of the server has run: `required`, or one of its `functions`, is fulfilled, so later rounds are `auto`. */
export function afterToolRan(choice: CallChoice, functions: ReadonlyMap<string, unknown>): CallChoice {
  if (isList(choice)) return { ...choice, mode: 'auto' };
  if (typeof choice === 'object' && choice.type === 'function' && functions.has(choice.name)) return 'auto';
  return choice === 'required' ? 'auto' : choice;
}

/** A choice without functions that may not be called any more. */
export function withoutFunctions(choice: CallChoice, names: ReadonlySet<string>): CallChoice {
  if (!isList(choice)) return choice;
  const tools = choice.tools.filter(({ type, name }) => type !== 'function' || name == null || !names.has(name));
  return tools.length > 0 ? { ...choice, tools } : 'none';
}

/** Whether a choice is a list of tools. */
export function isList(choice: CallChoice): choice is AllowedTools {
  return typeof choice === 'object' && choice.type === 'allowed_tools';
}

/** Whether an entry names a tool of the server: by its type, or any type of the same hosted tool, and of MCP by the server's label. */
export function isOf(
  { tool, entry: own }: ToolUse,
  { type, server_label }: Pick<Entry, 'type' | 'server_label'>,
): boolean {
  const hosted = hostedToolOf(type);
  if (tool.type !== type && (hosted === undefined || hostedToolOf(tool.type) !== hosted)) return false;
  return server_label == null || own?.server_label === server_label;
}

/** Whether an entry names a function of a tool of the server, as far as those are known before it is opened. */
function hasFunction({ tool, config }: ToolUse, { type, name }: Pick<Entry, 'type' | 'name'>): boolean {
  return type === 'function' && (tool.definitions?.(config).some((definition) => definition.name === name) ?? false);
}

function isNamed(tool: ClientTool, entry: Pick<Entry, 'type' | 'name' | 'namespace'>): boolean {
  if (tool.type === 'namespace') {
    if (entry.type === 'namespace') return entry.name == null || entry.name === tool.name;
    if (entry.namespace != null && entry.namespace !== tool.name) return false;
    return tool.tools.some((member) => isNamed(member, { ...entry, namespace: null }));
  }
  if (entry.namespace != null) return false;
  if (entry.type === COMPUTER) return tool.type.startsWith('computer');
  return tool.type === entry.type && (entry.name == null || ('name' in tool && tool.name === entry.name));
}

/** The key of an entry without a namespace. */
function keyOf({ type, name }: Pick<Entry, 'type' | 'name'>): string {
  return name == null || type === COMPUTER ? type : `${type} ${name}`;
}

/** The keys of all entries that would name this tool. */
function keysOf(tool: Exclude<ClientTool, { type: 'namespace' }>): string[] {
  const keys = [tool.type, ...('name' in tool ? [`${tool.type} ${tool.name}`] : [])];
  return tool.type.startsWith('computer') ? [...keys, COMPUTER] : keys;
}

/** An entry in words, with its name where that may be told. */
function wordsFor({ type, name }: Pick<Entry, 'type' | 'name'>): string {
  const isFunction = type === 'function' || type === 'custom';
  const what = isFunction ? `a ${type}` : `a tool of type ${wordOf(type) ?? 'its own'}`;
  const word = wordOf(name);
  return `${what} ${word ? `${isFunction ? '' : 'named '}${word} ` : ''}`;
}

/** The most characters of names in a message. */
const MAX_NAMES = 120;

/** What tools has, as far as there is room for it. */
function inTools(tools: readonly ClientTool[]): string {
  const names = tools.map((tool) => ('name' in tool ? tool.name : tool.type));
  const shown: string[] = [];
  for (const name of new Set(names)) if (`${shown} ${name}`.length <= MAX_NAMES) shown.push(name);
  if (shown.length === 0) return '';
  return `, which has ${shown.join(', ')}${shown.length < new Set(names).size ? ' and others' : ''}`;
}
