import type { ClientsDoor } from './door.ts';

interface ChatMessage {
  role: string;
  content?: unknown;
  reasoning_content?: string;
  tool_call_id?: string;
  tool_calls?: { id: string; function: { name: string; arguments: string } }[];
}

/**
 * What the model was sent in a call but for instructions, a line for each message: `user: Hi`,
 * `assistant: (Hm.) weather {"city":"Rome"} #call_0`, `tool call_0: 21 degrees in Rome`.
 */
export function heard(door: ClientsDoor, model: string, call = -1): string[] {
  const messages: ChatMessage[] = door.model.calls(model).at(call)?.body.messages ?? [];
  return messages.filter(({ role }) => role !== 'system' && role !== 'developer').map(lineOf);
}

function lineOf({ role, content, reasoning_content, tool_call_id, tool_calls = [] }: ChatMessage): string {
  const calls = tool_calls.map(({ id, function: fn }) => `${fn.name} ${fn.arguments} #${id}`);
  const said = [reasoning_content && `(${reasoning_content})`, textOf(content), ...calls].filter(Boolean);
  return `${tool_call_id === undefined ? role : `${role} ${tool_call_id}`}: ${said.join(' ')}`;
}

function textOf(content: unknown): string {
  if (content == null || typeof content === 'string') return content ?? '';
  if (!Array.isArray(content)) return JSON.stringify(content);
  return content.map((part) => (part.type === 'text' ? part.text : JSON.stringify(part))).join('');
}
