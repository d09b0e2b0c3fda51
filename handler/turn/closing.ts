import type { ApiError } from '../errors.ts';
import type { ErrorEvent, ItemEvent, OutputItemEvent } from '../events/events.ts';
import type { OutputItem } from '../items/item.ts';
import { isUnlisted } from '../items/mcp-list-tools.ts';
import { failedItem } from '../items/views.ts';
import type { Response } from '../protocol/response.ts';
import { errorEvent } from './error-event.ts';
import { UNKNOWN } from './interrupted.ts';

/** The statuses of items that have not ended; some are of single types. */
const OPEN: readonly unknown[] = ['in_progress', 'calling', 'searching', 'interpreting', 'generating'];

function isOpen(item: OutputItem): boolean {
  if (item.type === 'compaction') return item.encrypted_content === '';
  if (item.type === 'mcp_list_tools') return isUnlisted(item);
  return 'status' in item && OPEN.includes(item.status);
}

/** The ends of items of calls that ran when their process died. `number` is the first event's. */
export function* failedItems(output: readonly OutputItem[], number: number): Generator<OutputItemEvent> {
  let next = number;
  for (const [output_index, open] of output.entries()) {
    if (!isOpen(open)) continue;
    const item = failedItem(open, UNKNOWN);
    yield { type: 'response.output_item.done', sequence_number: next++, output_index, item };
  }
}

/**
 * The events before the terminal one of an interrupted response: open items end as incomplete, then the failure as an
 * `error`, unless it was cancelled. `number` is the first event's.
 */
export function* closingEvents(
  response: Response,
  number: number,
  failure?: ApiError,
): Generator<ItemEvent | ErrorEvent> {
  let next = number;
  for (const [output_index, item] of response.output.entries()) {
    if (!isOpen(item)) continue;
    const closedItem = ('status' in item ? { ...item, status: 'incomplete' } : item) as OutputItem; // what cannot be cut is never open
    yield { type: 'response.output_item.done', sequence_number: next++, output_index, item: closedItem };
  }
  if (failure) yield errorEvent(failure, next);
}
