import { kinds } from '../items/index.ts';
import type { Outputs, OwnEvents } from '../items/item.ts';
import type { Stream } from '../items/stream.ts';
import type { ItemEvent } from './events.ts';

const table: { [T in keyof Outputs]: { stream: Stream<Outputs[T], OwnEvents[T]> } } = kinds;

/** The events of an item that comes as a whole, `added` to `done`; `again` for a replay of a stored response. */
export function* itemEvents<T extends keyof Outputs>(
  item: Outputs[T] & { type: T },
  output_index: number,
  again = false,
): Generator<ItemEvent> {
  const { stream } = table[item.type];
  const position = { sequence_number: 0, output_index };
  yield { type: 'response.output_item.added', ...position, item: stream.begin(item, again) };
  yield* stream.events(item, { sequence_number: 0, item_id: item.id, output_index }, again);
  yield { type: 'response.output_item.done', ...position, item };
}
