import { canonicalJson } from '../../canonical-json.ts';
import { check } from '../../contract.ts';
import type { ResponseEvent } from '../../events/events.ts';
import { fold } from '../../events/fold.ts';
import type { Response as ResponseObject } from '../../protocol/response.ts';

/** Checks that a stream tells its response item by item; gives the response that it ends with. */
export function checkEvents(events: readonly ResponseEvent[]): ResponseObject {
  const [first] = events;
  const last = events.at(-1);
  check(first?.type === 'response.created', 'a stream begins with response.created');
  check(last?.type === 'response.completed', `a stream ends with ${last?.type}`);
  let folded = first.response;
  const open = new Set<number>();
  for (const [at, event] of events.slice(0, -1).entries()) {
    check(event.sequence_number === at, `event ${at} has the number ${event.sequence_number}`);
    folded = fold(folded, event);
    if (event.type === 'response.output_item.added') open.add(event.output_index);
    else if (event.type === 'response.output_item.done') {
      check(open.delete(event.output_index), `the item at ${event.output_index} is done and was not begun`);
    } else if ('output_index' in event) {
      check(open.has(event.output_index), `${event.type} is of an item that is not open`);
    }
  }
  check(open.size === 0, 'an item is begun and never done');
  checkSame(folded.output, last.response.output, 'what was told item by item is not what the response has in the end');
  return last.response;
}

/** Checks that two values are the same, whatever the order of their members; `broken` says what is wrong if not. */
export function checkSame(is: unknown, was: unknown, broken: string): void {
  check(canonicalJson(is) === canonicalJson(was), `${broken}:\n${canonicalJson(is)}\n${canonicalJson(was)}`);
}
