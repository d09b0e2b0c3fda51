import type { OutputItem } from '../items/item.ts';
import type { ItemStatus } from '../protocol/content.ts';
import type { Response } from '../protocol/response.ts';
import type { ItemEvent, LifecycleEvent, ResponseEvent } from './events.ts';
import { Writer } from './item-writer.ts';
import { added, cited, done, grown, type Part } from './part-events.ts';

/**
 * The events of a response that has ended as completed or incomplete, as if it were made again in one go: each text comes
 * as one delta, since readers that show a text as it grows know no other source of it.
 */
export async function* replay(response: Response): AsyncGenerator<ResponseEvent, undefined> {
  let number = 0;
  const lifecycle = (type: LifecycleEvent['type'], of: Response) => ({ type, sequence_number: number++, response: of });
  const unfinished = { completed_at: null, incomplete_details: null, output: [], usage: null };
  const begun: Response = { ...response, status: 'in_progress', ...unfinished };
  yield lifecycle('response.created', begun);
  yield lifecycle('response.in_progress', begun);
  for (const [output_index, item] of response.output.entries()) {
    // Every one of them is about the item, and so has its place.
    for (const event of eventsOf(item)) yield { ...event, output_index, sequence_number: number++ } as ItemEvent;
  }
  yield lifecycle(response.status === 'completed' ? 'response.completed' : 'response.incomplete', response);
}

/** What all events of an item carry; its place and the numbers are given where they are sent. */
interface Place {
  sequence_number: number;
  output_index: number;
  item_id: string;
}

function* eventsOf(item: OutputItem): Generator<ItemEvent> {
  const at = { sequence_number: 0, output_index: 0, item_id: item.id };
  if (item.type === 'message') {
    yield ofWhole('added', at, { ...item, status: 'in_progress', content: [] });
    yield* partsOf(item.content, at, item.status);
  } else if (item.type === 'reasoning') {
    yield ofWhole('added', at, { ...item, status: 'in_progress', content: [], summary: [] });
    // What was cut is what was said last.
    yield* partsOf(item.summary, at, item.content.length > 0 ? 'completed' : item.status);
    yield* partsOf(item.content, at, item.status);
  } else if (item.type === 'function_call') {
    const { name, arguments: written } = item;
    yield ofWhole('added', at, { ...item, status: 'in_progress', arguments: '' });
    if (written) yield { type: 'response.function_call_arguments.delta', ...at, delta: written };
    yield { type: 'response.function_call_arguments.done', ...at, name, arguments: written };
  } else if (item.type === 'mcp_call') {
    yield ofWhole('added', at, { ...item, status: 'in_progress', output: null, error: null });
    yield { type: 'response.mcp_call.in_progress', ...at };
    yield { type: 'response.mcp_call_arguments.done', ...at, arguments: item.arguments };
    yield { type: item.error ? 'response.mcp_call.failed' : 'response.mcp_call.completed', ...at };
  } else if (item.type === 'compaction') {
    yield ofWhole('added', at, { ...item, encrypted_content: '' });
    yield { type: 'response.compaction.compacting', ...at };
  } else {
    const writer = new Writer();
    writer.item(item);
    return yield* writer.take();
  }
  yield ofWhole('done', at, item);
}

/** An event that holds the item says by that which one it is about. */
function ofWhole(stage: 'added' | 'done', { sequence_number, output_index }: Place, item: OutputItem): ItemEvent {
  return { type: `response.output_item.${stage}`, sequence_number, output_index, item };
}

function* partsOf(parts: readonly Part[], { item_id }: Place, status: ItemStatus): Generator<ItemEvent> {
  for (const [index, part] of parts.entries()) {
    const place = { item_id, output_index: 0, index };
    const { type } = part;
    yield added(type, place);
    yield grown(
      type,
      place,
      type === 'refusal' ? part.refusal : part.text,
      type === 'output_text' ? part.logprobs : [],
    );
    if (type === 'output_text') {
      for (const [at, annotation] of part.annotations.entries()) yield cited(annotation, at, place);
    }
    yield* done(part, place, index === parts.length - 1 ? status : 'completed');
  }
}
