import type { Response } from '../protocol/response.ts';
import type { LifecycleEvent, ResponseEvent } from './events.ts';
import { itemEvents } from './item-events.ts';

/**
 * The events of a response that has ended as completed or incomplete, as if it were made again in one go: each text comes
 * as one delta, since readers that show a text as it grows know no other source of it.
 */
export async function* replay(response: Response): AsyncGenerator<ResponseEvent, undefined> {
  let number = 0;
  const lifecycle = (type: LifecycleEvent['type'], of: Response) => ({ type, sequence_number: number++, response: of });
  const unfinished = { completed_at: null, incomplete_details: null, output: [], usage: null };
  const initial: Response = { ...response, status: 'in_progress', ...unfinished };
  yield lifecycle('response.created', initial);
  yield lifecycle('response.in_progress', initial);
  for (const [output_index, item] of response.output.entries()) {
    for (const event of itemEvents(item, output_index, true)) {
      event.sequence_number = number++;
      yield event;
    }
  }
  yield lifecycle(response.status === 'completed' ? 'response.completed' : 'response.incomplete', response);
}
