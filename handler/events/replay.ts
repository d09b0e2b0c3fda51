import type { Response } from '../protocol/response.ts';
import type { LifecycleEvent, ResponseEvent } from './events.ts';
import { itemEvents } from './item-events.ts';

/**
 * Replays a completed or incomplete response as a stream. Each text is one delta, since readers that show deltas know
 * no other source of it.
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
