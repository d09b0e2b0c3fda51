import type { BackendEvent } from '../backend/backend.ts';
import { itemEvents } from '../events/item-events.ts';
import { newItemId, type OutputItem } from '../items/item.ts';
import type { Reasoning } from '../items/reasoning.ts';
import { fixedLimits } from '../limits.ts';
import type { Seal } from '../seal.ts';
import type { ToolNews } from './rounds.ts';

/**
 * The events of a turn whose client keeps its history itself, and wants encrypted reasoning for that: behind the calls of hosted tools of a round come
 * items of reasoning that have, sealed, what each call was to the model. Many clients drop the member `function` of a call, and all keep these.
 */
export async function* carrying(
  source: AsyncIterable<BackendEvent | ToolNews>,
  seal: Seal,
): AsyncGenerator<BackendEvent | ToolNews, void> {
  const ended: OutputItem[] = [];
  let added = 0;
  let next = 0;
  for await (const event of source) {
    if (event.type === 'round' || event.type === 'finish') {
      for (const item of ended.splice(0)) {
        const carried = await carriedBy(item, seal);
        if (!carried) continue;
        yield* itemEvents(carried, next++);
        added++;
      }
    }
    if ('output_index' in event) {
      event.output_index += added;
      next = Math.max(next, event.output_index + 1);
    }
    if (event.type === 'response.output_item.done') ended.push(event.item);
    yield event;
  }
}

/** The item that carries a call; undefined where there is nothing to carry, or too much. */
async function carriedBy(item: OutputItem, seal: Seal): Promise<(Reasoning & { type: 'reasoning' }) | undefined> {
  if (!('function' in item) || !item.function) return undefined;
  const { type, id, status, function: run } = item;
  const text = JSON.stringify({ type, id, status, function: run });
  if (text.length > fixedLimits.carried) return undefined;
  const encrypted_content = await seal.seal('call', text).catch(() => undefined); // without a secret nothing is carried
  if (encrypted_content === undefined) return undefined;
  const said = { summary: [], content: [], status: 'completed' as const };
  return { type: 'reasoning', id: newItemId('reasoning'), ...said, encrypted_content };
}
