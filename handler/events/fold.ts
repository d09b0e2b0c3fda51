import { kinds } from '../items/index.ts';
import type { OutputItem, Outputs } from '../items/item.ts';
import { put } from '../items/stream.ts';
import type { Response } from '../protocol/response.ts';
import type { ItemEvent, ResponseEvent } from './events.ts';

/**
 * The response after one more event: pure, and only the path that changes is copied. What a `done` event carries is
 * authoritative, since some fields appear only there.
 */
export function fold(response: Response, event: ResponseEvent): Response {
  if ('response' in event) return event.response;
  if (event.type === 'error') return response;
  const output = foldOutput(response.output, event);
  return output === response.output ? response : { ...response, output };
}

/** The same for the output alone, without a copy of the response for every event. */
export function foldOutput(output: OutputItem[], event: ItemEvent): OutputItem[] {
  if (event.type === 'response.output_item.added' || event.type === 'response.output_item.done') {
    return put(output, event.output_index, event.item);
  }
  if (!('output_index' in event)) return output;
  const item = output[event.output_index];
  if (!item) return output;
  const after = foldItem(item, event);
  return after === item ? output : put(output, event.output_index, after);
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
