import type { ModelCall } from '../backend/backend.ts';
import type { Item } from '../items/item.ts';
import { reasoningText } from '../items/reasoning.ts';
import { answerOf, callOf, recordOf } from '../items/views.ts';
import { fixedLimits } from '../limits.ts';
import { excerpt } from '../log.ts';
import type { InputPart } from '../protocol/content.ts';
import { redact } from '../redact.ts';

/** A message as the GenAI conventions write it. */
interface ChatMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  parts: object[];
}

/** A text, or the JSON of anything else, as it may stand in a span: without secrets, and cut at `fixedLimits.spanContent`. */
export function contentText(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return redact(text).slice(0, fixedLimits.spanContent).toWellFormed();
}

/** The newest of these items that have room in a span, as JSON of messages. */
export function messagesOf(items: readonly Item[]): string {
  const kept: string[] = [];
  let room = fixedLimits.spanContent;
  for (const item of [...items].reverse()) {
    const message = messageOf(item);
    if (!message) continue;
    const text = redact(JSON.stringify(message));
    room -= text.length + 1;
    if (room < 0) break;
    kept.push(text);
  }
  return `[${kept.reverse().join(',')}]`;
}

/** Instructions, as the conventions write them. */
export function instructionsOf(instructions: string): string {
  return JSON.stringify([{ type: 'text', content: contentText(instructions) }]);
}

/** The names and types of tools; their parameters would fill the span. */
export function toolsOf(tools: ModelCall['tools']): string {
  const names = tools.map((tool) => ({ type: tool.type, ...('name' in tool && { name: tool.name }) }));
  while (JSON.stringify(names).length > fixedLimits.spanContent) names.length = names.length >> 1;
  return JSON.stringify(names);
}

function messageOf(item: Item): ChatMessage | undefined {
  const record = recordOf(item);
  if (record !== undefined) return { role: 'assistant', parts: [{ type: 'text', content: clip(record) }] };
  if (item.type === 'message') {
    const role = item.role === 'developer' ? 'system' : item.role;
    return { role, parts: item.content.map(partOf) };
  }
  if (item.type === 'reasoning')
    return { role: 'assistant', parts: [{ type: 'reasoning', content: clip(reasoningText(item)) }] };
  const parts: object[] = [];
  const call = callOf(item);
  if (call) parts.push({ type: 'tool_call', id: call.id, name: call.name, arguments: clip(call.arguments) });
  const answer = answerOf(item);
  if (answer) {
    const response =
      typeof answer.output === 'string' ? clip(answer.output) : answer.output.map((part) => partOf(part));
    parts.push({ type: 'tool_call_response', id: answer.id, response });
  }
  return parts.length > 0 ? { role: call ? 'assistant' : 'tool', parts } : undefined;
}

type Part = InputPart | { type: 'output_text'; text: string } | { type: 'refusal'; refusal: string };

/** A part without its data: images and files are megabytes. */
function partOf(part: Part): object {
  if ('text' in part) return { type: 'text', content: clip(part.text) };
  if (part.type === 'refusal') return { type: 'text', content: clip(part.refusal) };
  return { type: part.type };
}

/** A text such that it has room in a span, beside others. */
function clip(text: string): string {
  return excerpt(text, fixedLimits.spanContent / 4).toWellFormed();
}
