import type { ItemEvent } from './events.ts';

type DeltaEvent = Extract<ItemEvent, { delta: string }>;

/**
 * Events in which neighbouring deltas are one: they make the same response, and cost less. Log probabilities of the later
 * ones are left out: the end of a text has them all.
 */
export function joinDeltas(events: readonly ItemEvent[]): ItemEvent[] {
  const joined: ItemEvent[] = [];
  let last: DeltaEvent | undefined;
  for (const event of events) {
    // Another part or item would have begun with an event of its own.
    if (last?.type === event.type) {
      last.delta += event.delta;
      continue;
    }
    last = isDelta(event) ? event : undefined;
    joined.push(event);
  }
  return joined;
}

/** Whether an event is a delta of a text. */
function isDelta(event: ItemEvent): event is DeltaEvent {
  return 'delta' in event && typeof event.delta === 'string';
}
