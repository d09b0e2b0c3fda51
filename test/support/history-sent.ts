import type { Json } from './accumulate.ts';
import type { Door } from './doors/door.ts';
import { type Script, says } from './model/scripted.ts';
import { tells, text } from './model/scripted-messages.ts';
import { answers, message } from './model/scripted-responses.ts';

// What a model was sent of a conversation, in one form for every protocol.

/** The protocols, each with a script that says a text, and how a door gets a model that speaks it. */
export const protocols = {
  chat: {
    says: (words: string) => says(words),
    model: (door: Door, ...scripts: Script[]) => door.model.script(...scripts),
  },
  responses: {
    says: (words: string) => answers(message(words)),
    model: (door: Door, ...scripts: Script[]) => door.model.native(...scripts),
  },
  anthropic: {
    says: (words: string) => tells(text(words)),
    model: (door: Door, ...scripts: Script[]) => door.model.anthropic(...scripts),
  },
} as const;

/** A line for each thing that a request tells the model, such as `user: Hi`, `call c1 f {}` and `output c1: 5`. */
export function outlineOf(body: Json): string[] {
  if (body.input) return body.input.flatMap(ofItem);
  return body.messages.flatMap(ofMessage);
}

function ofItem(item: Json): string[] {
  switch (item.type) {
    case 'reasoning':
      return [`thought: ${textIn(item.content)}`];
    case 'function_call':
      return [`call ${item.call_id} ${item.name} ${item.arguments}`];
    case 'function_call_output':
      return [`output ${item.call_id}: ${textIn(item.output)}`];
    default:
      return [`${item.role}: ${textIn(item.content)}`];
  }
}

function ofMessage({ role, content, reasoning_content, tool_calls = [], tool_call_id }: Json): string[] {
  if (role === 'tool') return [`output ${tool_call_id}: ${textIn(content)}`];
  const blocks = Array.isArray(content) ? content : [{ type: 'text', text: content }];
  return [
    ...(reasoning_content === undefined ? [] : [`thought: ${reasoning_content}`]),
    ...blocks.filter((block) => block.text !== null).map((block) => ofBlock(role, block)),
    ...tool_calls.map(({ id, function: fn }: Json) => `call ${id} ${fn.name} ${fn.arguments}`),
  ];
}

function ofBlock(role: string, block: Json): string {
  if (block.type === 'tool_use') return `call ${block.id} ${block.name} ${JSON.stringify(block.input)}`;
  if (block.type === 'tool_result') return `output ${block.tool_use_id}: ${textIn(block.content ?? '')}`;
  return block.type === 'thinking' ? `thought: ${block.thinking}` : `${role}: ${block.text ?? block.type}`;
}

function textIn(content: string | Json[]): string {
  return typeof content === 'string' ? content : content.map((part) => part.text ?? part.type).join('');
}
