import { ApiError, unsupported } from '../errors.ts';
import type { Item } from '../protocol/items.ts';
import type { EchoedTool } from '../protocol/response.ts';
import { type ClientTool, clientTools, type ToolChoice } from '../protocol/tools.ts';
import type { Tool, ToolUse } from '../tool/tool.ts';
import { check } from '../validate.ts';

/** A request's tools by who runs them, and as the response echoes them. */
export interface SortedTools {
  client: ClientTool[];
  uses: ToolUse[];
  echoed: EchoedTool[];
}

type Entry = { type: string; [key: string]: unknown };

/** The server's own tools by type, and the types that are left out where a client offers them. */
export interface ServerTools {
  registered: ReadonlyMap<string, Tool>;
  dropped: ReadonlySet<string>;
}

/** Sorts the entries of `tools`; throws an ApiError that names the field of one that is wrong or not known. */
export function sortTools(tools: readonly Entry[], { registered, dropped }: ServerTools): SortedTools {
  const client: ClientTool[] = [];
  const uses: ToolUse[] = [];
  const echoed: EchoedTool[] = [];
  for (const [index, entry] of tools.entries()) {
    const param = `tools[${index}]`;
    const tool = registered.get(entry.type);
    if (dropped.has(entry.type)) continue;
    if (tool) {
      uses.push({ tool, config: tool.parse(entry, param) });
      echoed.push(entry);
      continue;
    }
    const known = toClientTool(entry, param);
    if ('name' in known && client.some((other) => 'name' in other && other.name === known.name)) {
      throw new ApiError('invalid_value', `${param}.name is the name of an earlier function`, {
        param: `${param}.name`,
      });
    }
    client.push(known);
    echoed.push(known.type === 'function' ? echo(known) : known);
  }
  return { client, uses, echoed };
}

function toClientTool(entry: Entry, param: string): ClientTool {
  if (!isClientType(entry.type)) {
    throw unsupported(`${param}.type`, 'is not a type of tool that this server supports');
  }
  return check(clientTools[entry.type], entry, param);
}

function isClientType(type: string): type is keyof typeof clientTools {
  return Object.hasOwn(clientTools, type);
}

function echo(tool: Extract<ClientTool, { type: 'function' }>): EchoedTool {
  const { description = null, parameters = null, strict } = tool;
  return { ...tool, description, parameters, strict: strict ?? false };
}

/** Tools that the client adds in the course of the conversation: what it says, and what it found. */
export function addedTools(items: readonly Item[], { dropped }: ServerTools): ClientTool[] {
  const added = items.flatMap((item) =>
    item.type === 'additional_tools' || item.type === 'tool_search_output' ? item.tools : [],
  );
  return added.filter(({ type }) => !dropped.has(type)).map((entry) => toClientTool({ ...entry }, 'input'));
}

/** Throws an ApiError for a choice that names what is not there. */
export function checkChoice(choice: ToolChoice, client: readonly ClientTool[], uses: readonly ToolUse[]): void {
  const param = 'tool_choice';
  if (choice === 'none' || choice === 'auto') return;
  if (choice === 'required') {
    if (client.length + uses.length > 0) return;
    throw new ApiError('invalid_value', 'tool_choice is "required" but tools names none', { param });
  }
  const named = choice.type === 'allowed_tools' ? choice.tools : [choice];
  for (const entry of named) {
    if (uses.some(({ tool }) => tool.type === entry.type) || client.some((tool) => isNamed(tool, entry))) continue;
    throw new ApiError('invalid_value', `tool_choice names a ${what(entry.type)} that is not in tools`, { param });
  }
}

function isNamed(tool: ClientTool, entry: { type: string; name?: string | null | undefined }): boolean {
  if (tool.type === 'namespace') return tool.tools.some((member) => isNamed(member, entry));
  if (entry.type === 'computer_use') return tool.type.startsWith('computer');
  return tool.type === entry.type && (entry.name == null || ('name' in tool && tool.name === entry.name));
}

function what(type: string): string {
  return type === 'function' || type === 'custom' ? type : 'tool';
}
