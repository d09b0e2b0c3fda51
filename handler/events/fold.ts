import type { OutputItem } from '../items/item.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import type { Response } from '../protocol/response.ts';
import type { AudioEvent, PartialImageEvent, ProgressEvent, ResponseEvent, ShellEvent } from './events.ts';

type Change = (fields: JsonObject) => object;

/** Events that say how far something has come; the item they are about arrives whole with its own `done`. */
type Progress = ProgressEvent | PartialImageEvent | ShellEvent | AudioEvent;

/**
 * The response after one more event: pure, and only the path that changes is copied. What a `done` event carries is
 * authoritative, since some fields appear only there.
 */
export function fold(response: Response, event: ResponseEvent): Response {
  switch (event.type) {
    case 'response.created':
    case 'response.queued':
    case 'response.in_progress':
    case 'response.completed':
    case 'response.incomplete':
    case 'response.failed':
      return event.response;
    case 'response.output_item.added':
    case 'response.output_item.done':
      return { ...response, output: put(response.output, event.output_index, event.item) };
    case 'response.content_part.added':
    case 'response.content_part.done':
      return inList(response, event.output_index, 'content', event.content_index, () => event.part);
    case 'response.output_text.delta':
    case 'response.reasoning_text.delta':
      return inList(response, event.output_index, 'content', event.content_index, grown('text', event.delta));
    case 'response.output_text.done':
    case 'response.reasoning_text.done':
      return inList(response, event.output_index, 'content', event.content_index, set('text', event.text));
    case 'response.refusal.delta':
      return inList(response, event.output_index, 'content', event.content_index, grown('refusal', event.delta));
    case 'response.refusal.done':
      return inList(response, event.output_index, 'content', event.content_index, set('refusal', event.refusal));
    case 'response.reasoning_summary_part.added':
    case 'response.reasoning_summary_part.done':
      return inList(response, event.output_index, 'summary', event.summary_index, () => event.part);
    case 'response.reasoning_summary_text.delta':
      return inList(response, event.output_index, 'summary', event.summary_index, grown('text', event.delta));
    case 'response.reasoning_summary_text.done':
      return inList(response, event.output_index, 'summary', event.summary_index, set('text', event.text));
    case 'response.output_text.annotation.added':
      return inList(response, event.output_index, 'content', event.content_index, (part) => ({
        ...part,
        annotations: put(listOf(part, 'annotations'), event.annotation_index, event.annotation),
      }));
    case 'response.function_call_arguments.delta':
    case 'response.mcp_call_arguments.delta':
      return inItem(response, event.output_index, grown('arguments', event.delta));
    case 'response.function_call_arguments.done':
    case 'response.mcp_call_arguments.done':
      return inItem(response, event.output_index, set('arguments', event.arguments));
    case 'response.custom_tool_call_input.delta':
      return inItem(response, event.output_index, grown('input', event.delta));
    case 'response.custom_tool_call_input.done':
      return inItem(response, event.output_index, set('input', event.input));
    case 'response.code_interpreter_call_code.delta':
      return inItem(response, event.output_index, grown('code', event.delta));
    case 'response.code_interpreter_call_code.done':
      return inItem(response, event.output_index, set('code', event.code));
    case 'error':
      return response;
    default:
      return passOver(response, event);
  }
}

/** A new event type that the switch forgets fails to compile here. */
function passOver(response: Response, _event: Progress): Response {
  return response;
}

function inItem(response: Response, index: number, change: Change): Response {
  const item = response.output[index];
  if (!item) return response;
  // Events name the item by its place; its type follows from the event's, which the compiler cannot see.
  return { ...response, output: put(response.output, index, change({ ...item }) as OutputItem) };
}

function inList(response: Response, item: number, list: string, index: number, change: Change): Response {
  return inItem(response, item, (fields) => {
    const parts = listOf(fields, list);
    const part = parts[index];
    return { ...fields, [list]: put(parts, index, change(isObject(part) ? part : {})) };
  });
}

function listOf(fields: JsonObject, name: string): readonly unknown[] {
  const list = fields[name];
  return Array.isArray(list) ? list : [];
}

function put<T>(list: readonly T[], index: number, value: T): T[] {
  if (index === list.length) return [...list, value]; // copied once: an assignment behind the end would copy it again
  const copy = list.slice();
  copy[index] = value;
  return copy;
}

function grown(field: string, delta: string): Change {
  return (fields) => ({ ...fields, [field]: `${fields[field] ?? ''}${delta}` });
}

function set(field: string, value: string): Change {
  return (fields) => ({ ...fields, [field]: value });
}
