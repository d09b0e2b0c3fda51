import { ApiError, unsupported, wordOf } from '../errors.ts';
import { mcpFunctionName } from '../items/mcp-name.ts';
import { hostedToolOf, isHosted, notRun } from '../protocol/hosted-tools.ts';
import type { CallChoice, FunctionTool, HostedChoice, ToolChoice } from '../protocol/tools.ts';
import type { ToolUse } from '../tools/tool.ts';
import { isList, isOf } from './choice.ts';
import type { ServerTools } from './tools.ts';

// Choices of tools that this server runs, which a model knows as functions.

/** The functions of one opened tool. */
export interface OpenedUse {
  use: ToolUse;
  definitions: readonly FunctionTool[];
}

type Named = Pick<HostedChoice, 'server_label' | 'name'> & { type: string };

/** Whether a choice forces a hosted tool. */
export function isForced(choice: ToolChoice): choice is HostedChoice {
  return typeof choice === 'object' && isHosted(choice.type);
}

/** Throws an ApiError for a forced tool that this server does not run, or that is not in the request. */
export function checkForced(choice: HostedChoice, uses: readonly ToolUse[], { registered }: ServerTools): void {
  if (uses.some((use) => isOf(use, choice))) return;
  const hosted = hostedToolOf(choice.type);
  if ([...registered.keys()].some((type) => hostedToolOf(type) === hosted)) throw notInTools(choice);
  throw unsupported('tool_choice.type', `is not supported: it is ${notRun(choice.type)}`);
}

/**
 * The choice of a hosted tool as one of its functions: the one of its own name if it has that, since the others go on from what
 * that found. Throws an ApiError where the opened tools have none such.
 */
export function functionChoice(choice: HostedChoice, opened: readonly OpenedUse[]): CallChoice {
  const [first, ...others] = functionsOf(choice, opened);
  if (!first) throw notInTools(choice);
  const own = hostedToolOf(choice.type);
  const named = [first, ...others].find(({ name }) => name === own);
  if (named || others.length === 0) return named ?? first;
  return { type: 'allowed_tools', mode: 'required', tools: [first, ...others] };
}

/** An allowed_tools list with the functions of tools of the server in place of the entries that name these. */
export function expandServerTools(choice: CallChoice, opened: readonly OpenedUse[]): CallChoice {
  if (!isList(choice)) return choice;
  const isServed = (entry: Named) => opened.some(({ use }) => isOf(use, entry));
  const others = choice.tools.filter((entry) => !isServed(entry));
  const functions = choice.tools.filter(isServed).flatMap((entry) => {
    const own = functionsOf(entry, opened);
    if (own.length === 0 && entry.name != null) throw notInTools(entry);
    return own;
  });
  return { ...choice, tools: [...others, ...functions] };
}

/** The functions that an entry names. */
function functionsOf(entry: Named, opened: readonly OpenedUse[]): { type: 'function'; name: string }[] {
  const { server_label, name } = entry;
  const own = server_label != null && name != null ? mcpFunctionName(server_label, name) : undefined;
  const definitions = opened.flatMap(({ use, definitions }) => (isOf(use, entry) ? definitions : []));
  return definitions
    .filter((it) => own === undefined || it.name === own)
    .map(({ name }) => ({ type: 'function', name }));
}

function notInTools({ type, server_label, name }: Named): ApiError {
  const word = wordOf(name) ?? wordOf(server_label);
  const what = `a tool of type ${wordOf(type) ?? 'its own'}${word ? ` named ${word}` : ''}`;
  return new ApiError('invalid_value', `tool_choice names ${what} that is not in tools`, { param: 'tool_choice' });
}
