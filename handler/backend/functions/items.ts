import { type ApiError, unsupported } from '../../errors.ts';
import type { Item } from '../../items/item.ts';
import type { InputPart, InputText } from '../../protocol/content.ts';
import { wireName } from './tools.ts';

// Calls and answers of every tool, as a model sees them that knows only functions.

/** A call as that of a function; `arguments` is JSON, unless the model wrote something else. */
export interface Called {
  id: string;
  name: string;
  arguments: string;
}

/** What a call came to. */
export interface Answered {
  id: string;
  output: string | InputPart[];
  failed: boolean;
}

/** The call that an item is, or shows; undefined for an item of another kind. */
export function callOf(item: Item): Called | undefined {
  switch (item.type) {
    case 'function_call':
      return { id: item.call_id, name: wireName(item.name, item.namespace), arguments: item.arguments };
    case 'custom_tool_call':
      return called(item.call_id, wireName(item.name, item.namespace), { input: item.input });
    case 'local_shell_call': {
      const { type: _, ...action } = item.action;
      return called(item.call_id, 'local_shell', action);
    }
    case 'shell_call':
      return called(item.call_id, 'shell', item.action);
    case 'apply_patch_call':
      return called(item.call_id, 'apply_patch', item.operation);
    case 'computer_call':
      return called(item.call_id, 'computer', { actions: item.actions ?? [item.action] });
    case 'tool_search_call':
      return called(item.call_id ?? 'tool_search', 'tool_search', item.arguments);
    case 'mcp_call':
      // A call that a server-side tool ran is to the model a call like any other, with its output right behind.
      return { id: ownId(item), name: item.name, arguments: item.arguments };
    default:
      return undefined;
  }
}

/** The answer that an item holds; undefined for an item without one. */
export function answerOf(item: Item): Answered | undefined {
  switch (item.type) {
    case 'function_call_output':
    case 'custom_tool_call_output':
    case 'local_shell_call_output':
      return answered(item.call_id, item.output);
    case 'shell_call_output':
      return answered(item.call_id, JSON.stringify(item.output));
    case 'apply_patch_call_output': {
      const output = item.output ? `${item.status}: ${item.output}` : item.status;
      return answered(item.call_id, output, item.status === 'failed');
    }
    case 'computer_call_output': {
      const { type: _, ...screenshot } = item.output;
      return answered(item.call_id, [{ type: 'input_image', ...screenshot }]);
    }
    case 'tool_search_output': {
      const found = item.tools.map((tool) => String('name' in tool ? tool.name : tool.type));
      return answered(item.call_id ?? 'tool_search', `Found: ${found.join(', ') || 'nothing'}`);
    }
    case 'mcp_call':
      return answered(ownId(item), item.output ?? (item.error ? JSON.stringify(item.error) : ''), item.error !== null);
    default:
      return undefined;
  }
}

/**
 * What a call came to, for servers whose tools answer in words. What cannot be told in words is added to `shown`, which the
 * user is to show behind all the answers.
 */
export function inWords(output: string | InputPart[], shown: InputPart[]): string | InputText[] {
  if (typeof output === 'string') return output;
  const texts = output.filter((part) => part.type === 'input_text');
  const others = output.filter((part) => part.type !== 'input_text');
  if (others.length === 0) return texts;
  shown.push(...others);
  return [...texts, { type: 'input_text', text: `(${others.length} image(s) or file(s), shown below)` }];
}

/** The ApiError for an item that is neither said nor a call nor an answer. */
export function unreadable({ type }: Item): ApiError {
  return unsupported('input', `holds an item of type ${type}, which this model backend cannot read`);
}

/** What stands for the id of a call that a server-side tool ran; ids of calls have 64 characters at most. */
function ownId({ id }: { id: string }): string {
  return id.slice(0, 64);
}

/** Nulls are left out, as the model did. */
function called(id: string, name: string, given: object): Called {
  return { id, name, arguments: JSON.stringify(given, (_, value) => value ?? undefined) };
}

function answered(id: string, output: string | InputPart[], failed = false): Answered {
  return { id, output, failed };
}
