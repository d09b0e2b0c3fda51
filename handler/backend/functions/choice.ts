import type { ModelCall } from '../backend.ts';
import type { ModelFunction } from './tools.ts';

/**
 * The tools that a choice leaves, for servers that ignore choices (Ollama ignores all). `none` leaves no tools, since
 * vLLM calls them all the same when it streams. One tool by name leaves only that one as `required`, since llama.cpp
 * ignores the name.
 */
export function narrowTools(tools: ModelFunction[], choice: ModelCall['tool_choice']) {
  if (choice === 'none') return { tools: [], tool_choice: choice };
  if (typeof choice === 'string') return { tools, tool_choice: choice };
  return { tools: chosenTools(tools, choice), tool_choice: choice.type === 'allowed_tools' ? choice.mode : 'required' };
}

/** The tools named by a choice. */
export function chosenTools(
  tools: ModelFunction[],
  choice: Exclude<ModelCall['tool_choice'], string>,
): ModelFunction[] {
  const names = choice.type === 'allowed_tools' ? choice.tools : [choice];
  return tools.filter((tool) => names.some((entry) => isNamed(tool, entry)));
}

/** An entry of a choice: one tool, or a whole namespace. */
interface ChoiceEntry {
  type: string;
  name?: string | null | undefined;
  namespace?: string | null | undefined;
}

function isNamed(tool: ModelFunction, entry: ChoiceEntry): boolean {
  if (entry.type === 'namespace')
    return tool.namespace !== undefined && (entry.name ?? tool.namespace) === tool.namespace;
  if (entry.namespace != null && entry.namespace !== tool.namespace) return false;
  if (entry.name != null) return entry.type === tool.type && entry.name === tool.name;
  return entry.type === tool.type || (entry.type === 'computer_use' && tool.type.startsWith('computer'));
}
