import { kinds } from '../items/index.ts';
import type { Outputs } from '../items/item.ts';
import { put } from '../items/stream.ts';
import type { Response } from '../protocol/response.ts';
import type { ItemEvent, OutputItemEvent, ResponseEvent } from './events.ts';

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
    case 'error':
      return response;
    default:
      return inItem(response, event);
  }
}

function inItem(response: Response, event: Exclude<ItemEvent, OutputItemEvent>): Response {
  if (!('output_index' in event)) return response;
  const item = response.output[event.output_index];
  if (!item) return response;
  const after = foldItem(item, event);
  return after === item ? response : { ...response, output: put(response.output, event.output_index, after) };
}

/** The fold of each item type over its own events. */
const table: {
  [T in keyof Outputs]: { stream: { fold: { [type: string]: (item: Outputs[T], event: never) => Outputs[T] } } };
} = kinds;

function foldItem<T extends keyof Outputs>(item: Outputs[T] & { type: T }, event: { type: string }): Outputs[T] {
  const after = table[item.type].stream.fold[event.type];
  // An event names its item by index, so the compiler cannot see that their types match.
  return after ? after(item, event as never) : item;
}
