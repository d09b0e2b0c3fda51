import { ApiError, unsupported } from '../../errors.ts';
import { kinds } from '../../items/index.ts';
import { newItemId, type OutputItem } from '../../items/item.ts';
import { wireName } from '../../items/wire-name.ts';
import { parseObject } from '../../parse-json.ts';
import { type JsonObject, present } from '../../protocol/json.ts';
import type { ClientTool, CustomTool, FunctionTool, NamespaceTool } from '../../protocol/tools.ts';
import { fitting } from '../../validate.ts';
import type { Grammars } from '../backend.ts';

// Chat Completions knows functions only. Every other tool that a client runs is shown to the model as a function, and
// its calls are turned back into the items that the client knows.

/** A tool as a function for the model, and how its calls become items for the client. */
export interface ModelFunction {
  definition: {
    name: string;
    description?: string | null | undefined;
    parameters?: unknown;
    strict?: boolean | null | undefined;
  };
  /** The tool's type, as a choice names it. */
  type: ClientTool['type'];
  name: string;
  namespace?: string;
  /**
   * Makes the item of a complete call: that of its tool, or where the arguments do not fit it the call of a function that it
   * was to the model. Absent for functions, whose arguments are streamed.
   */
  toItem?(call: { call_id: string; arguments: string; status: 'completed' | 'incomplete' }): OutputItem;
}

/**
 * The functions by their names on the wire. Throws an ApiError for a tool that cannot be a function; `params` has the
 * request field of each tool.
 */
export function toModelFunctions(
  tools: readonly ClientTool[],
  params: ReadonlyMap<ClientTool, string> = new Map(),
  grammars: Grammars = 'refuse',
): Map<string, ModelFunction> {
  const byName = new Map<string, ModelFunction>();
  for (const tool of tools.flatMap((tool) => toFunctions(tool, params.get(tool) ?? 'input', grammars))) {
    const { name } = tool.definition;
    if (byName.has(name)) {
      throw new ApiError('invalid_value', `tools has two that the model would know as ${name}`, { param: 'tools' });
    }
    byName.set(name, tool);
  }
  return byName;
}

function toFunctions(tool: ClientTool, param: string, grammars: Grammars): ModelFunction[] {
  switch (tool.type) {
    case 'function':
      return [functionTool(tool)];
    case 'custom':
      return [customTool(tool, customDescription(tool, param, grammars))];
    case 'namespace':
      return tool.tools.map((entry, index) => {
        const member = { ...entry, description: memberDescription(entry.description, tool) };
        return member.type === 'function'
          ? functionTool(member, tool.name)
          : customTool(member, customDescription(member, `${param}.tools[${index}]`, grammars), tool.name);
      });
    default:
      return [fixedTool(tool)];
  }
}

/** The description of a namespace's member, with the namespace's own: functions have no namespace. */
function memberDescription(
  description: string | null | undefined,
  { name, description: about }: NamespaceTool,
): string | null {
  const context = about && `Part of ${name}: ${about}`;
  return [description, context].filter(Boolean).join('\n\n') || null;
}

function functionTool(
  { type, name, description, parameters, strict }: FunctionTool,
  namespace?: string,
): ModelFunction {
  const definition = { name: wireName(name, namespace), ...present({ description, parameters, strict }) };
  return { definition, type, name, ...(namespace && { namespace }) };
}

/** A custom tool's description, with its grammar if the model is to read it. */
function customDescription({ description, format }: CustomTool, param: string, grammars: Grammars): string | null {
  if (format?.type !== 'grammar') return description ?? null;
  if (grammars === 'refuse') {
    throw unsupported(
      `${param}.format`,
      'is a grammar, which this model backend cannot hold the model to: `grammars: describe` of its entry in `models` has the model read it',
    );
  }
  const kind = format.syntax === 'lark' ? 'Lark grammar' : 'regular expression';
  const rule = `The input must match this ${kind}, to its end:\n${format.definition}`;
  return description ? `${description}\n\n${rule}` : rule;
}

function customTool({ type, name }: CustomTool, description: string | null, namespace?: string): ModelFunction {
  return {
    definition: {
      name: wireName(name, namespace),
      ...(description !== null && { description }),
      parameters: object({ input: TEXT }, ['input']),
    },
    type,
    name,
    ...(namespace && { namespace }),
    toItem(call) {
      const parsed = parseObject(call.arguments);
      // Truncated arguments are no JSON; pass on what the model wrote.
      const input = typeof parsed?.input === 'string' ? parsed.input : call.arguments;
      return toOutputItem('custom_tool_call', { name, namespace, input }, call, wireName(name, namespace));
    },
  };
}

const TEXT = { type: 'string' };
const COUNT = { type: 'integer', minimum: 0 };

function object(properties: JsonObject, required: string[]) {
  return { type: 'object', properties, required, additionalProperties: false };
}

type Fixed = Exclude<ClientTool, { type: 'function' | 'custom' | 'namespace' }>;

/** The item type of each built-in tool's calls. */
const CALLS = {
  local_shell: 'local_shell_call',
  shell: 'shell_call',
  apply_patch: 'apply_patch_call',
  computer: 'computer_call',
  computer_use_preview: 'computer_call',
  tool_search: 'tool_search_call',
} as const;

function fixedTool(tool: Fixed): ModelFunction {
  const { type } = tool;
  const item = CALLS[type];
  return {
    definition: { name: type, ...describeTool(tool) },
    type,
    name: type,
    toItem(call) {
      const args = parseObject(call.arguments || '{}');
      return toOutputItem(item, args && kinds[item].fromArguments(args), call, type);
    },
  };
}

/** The description and parameters of a built-in tool. */
function describeTool(tool: Fixed): { description: string; parameters: unknown } {
  switch (tool.type) {
    case 'local_shell':
      return {
        description: 'Runs a command on the local machine and gives what it wrote.',
        parameters: object({ command: list(TEXT), working_directory: TEXT, timeout_ms: COUNT, user: TEXT }, [
          'command',
        ]),
      };
    case 'shell':
      return {
        description: `Runs commands in a shell, one after another, and gives what each wrote.${skillsOf(tool)}`,
        parameters: object({ commands: list(TEXT), timeout_ms: COUNT, max_output_length: COUNT }, ['commands']),
      };
    case 'apply_patch': {
      const type = { enum: ['create_file', 'update_file', 'delete_file'] };
      return {
        description: 'Creates, changes or deletes one file; `diff` is in the V4A format, without file headers.',
        parameters: object({ type, path: TEXT, diff: TEXT }, ['type', 'path']),
      };
    }
    case 'computer':
    case 'computer_use_preview':
      return {
        description: describeComputer(tool),
        parameters: object({ actions: list({ type: 'object' }) }, ['actions']),
      };
    case 'tool_search':
      return {
        description: tool.description ?? 'Searches for tools that can be used from then on.',
        parameters: tool.parameters ?? object({ query: TEXT }, ['query']),
      };
  }
}

/** The skills of the client's shell environment, as a list of files for the model to read. */
function skillsOf({ environment }: Extract<Fixed, { type: 'shell' }>): string {
  const skills = environment?.skills ?? [];
  if (skills.length === 0) return '';
  const lines = skills.map(({ name, description, path }) => `- ${name} (${path}): ${description}`);
  return `\n\nThere are skills, each explained in a file:\n${lines.join('\n')}`;
}

function list(items: JsonObject) {
  return { type: 'array', items };
}

function describeComputer(tool: Fixed): string {
  const screen =
    'display_width' in tool
      ? ` The screen is ${tool.display_width} by ${tool.display_height} pixels, the environment ${tool.environment}.`
      : '';
  return `Acts on a computer and gives a screenshot. An action has a type (click, double_click, drag, keypress, move, screenshot, scroll, type, wait) with x, y, button, keys, text, path, scroll_x, scroll_y as the type needs them.${screen}`;
}

type WholeCall = Parameters<NonNullable<ModelFunction['toItem']>>[0];

/** The item of a call, checked by its input schema; the call of a function of this name where it does not fit. */
function toOutputItem(
  type: OutputItem['type'],
  members: object | undefined,
  { call_id, status, arguments: args }: WholeCall,
  name: string,
): OutputItem {
  const item = { type, id: newItemId(type), ...members, call_id, status };
  // The schemas of items that clients replay are those of what we sent them.
  const fit = members && fitting(kinds[type].schema, JSON.parse(JSON.stringify(item)));
  if (fit) return fit as OutputItem; // which has all that was put into it
  return { type: 'function_call', id: newItemId('function_call'), call_id, name, arguments: args, status };
}
