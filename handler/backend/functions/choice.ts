import type { ModelCall } from '../backend.ts';
import type { ChatTool } from './tools.ts';

/**
 * The tools as a choice leaves them, for servers that ignore choices: `none` leaves none, since vLLM calls them all the same
 * when it streams, and one tool by name only that one as `required`, since llama.cpp ignores a name; Ollama ignores all.
 */
export function narrowed(tools: ChatTool[], choice: ModelCall['tool_choice']) {
  if (choice === 'none') return { tools: [], tool_choice: choice };
  if (typeof choice === 'string') return { tools, tool_choice: choice };
  return { tools: chosen(tools, choice), tool_choice: choice.type === 'allowed_tools' ? choice.mode : 'required' };
}

/** The tools that a choice names. */
export function chosen(tools: ChatTool[], choice: Exclude<ModelCall['tool_choice'], string>): ChatTool[] {
  const names = choice.type === 'allowed_tools' ? choice.tools : [choice];
  return tools.filter((tool) => names.some((named) => isNamed(tool, named)));
}

/** A tool as a choice names it, or all those of a namespace. */
interface Named {
  type: string;
  name?: string | null | undefined;
  namespace?: string | null | undefined;
}

function isNamed(tool: ChatTool, named: Named): boolean {
  if (named.type === 'namespace')
    return tool.namespace !== undefined && (named.name ?? tool.namespace) === tool.namespace;
  if (named.namespace != null && named.namespace !== tool.namespace) return false;
  if (named.name != null) return named.type === tool.type && named.name === tool.name;
  return named.type === tool.type || (named.type === 'computer_use' && tool.type.startsWith('computer'));
}
