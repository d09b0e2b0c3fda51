import { endless } from '../errors.ts';
import type { ItemEvent } from '../events/events.ts';
import type { OutputItem } from '../items/item.ts';
import { isCall } from '../items/roles.ts';
import { fixedLimits } from '../limits.ts';

const { outputItems, turnCalls, itemParts, partCitations } = fixedLimits;

/**
 * Counts what the model adds to the `output` so far, and throws an ApiError at the event that exceeds a limit. Each
 * event copies the lists that it changes; within these limits that costs less than the event itself.
 */
export function countOutput(output: readonly OutputItem[]): (event: ItemEvent) => void {
  let calls = output.filter(isCall).length;
  return (event) => {
    switch (event.type) {
      case 'response.output_item.added':
        if (event.output_index >= outputItems) throw endless(`${outputItems} items`);
        if (isCall(event.item) && ++calls > turnCalls) throw endless(`${turnCalls} calls`);
        break;
      case 'response.content_part.added':
        if (event.content_index >= itemParts) throw endless(`${itemParts} parts of one item`);
        break;
      case 'response.reasoning_summary_part.added':
        if (event.summary_index >= itemParts) throw endless(`${itemParts} summaries of one item`);
        break;
      case 'response.output_text.annotation.added':
        if (event.annotation_index >= partCitations) throw endless(`${partCitations} citations in one text`);
    }
  };
}
