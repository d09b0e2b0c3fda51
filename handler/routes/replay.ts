import { Writer } from '../backend/writer.ts';
import type { OutputText, ReasoningText, Refusal } from '../protocol/content.ts';
import type { ItemEvent, LifecycleEvent, ResponseEvent } from '../protocol/events.ts';
import type { OutputItem, Reasoning } from '../protocol/items.ts';
import type { Response } from '../protocol/response.ts';

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
    yield* contentOf(item.content, at);
  } else if (item.type === 'reasoning') {
    yield ofWhole('added', at, { ...item, status: 'in_progress', content: [], summary: [] });
    yield* summaryOf(item, at);
    yield* contentOf(item.content, at);
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

function* contentOf(parts: readonly (OutputText | Refusal | ReasoningText)[], item: Place): Generator<ItemEvent> {
  for (const [content_index, part] of parts.entries()) {
    const at = { ...item, content_index };
    const empty =
      part.type === 'refusal'
        ? { ...part, refusal: '' }
        : part.type === 'reasoning_text'
          ? { ...part, text: '' }
          : { ...part, text: '', annotations: [], logprobs: [] };
    yield { type: 'response.content_part.added', ...at, part: empty };
    if (part.type === 'refusal') {
      yield { type: 'response.refusal.delta', ...at, delta: part.refusal };
      yield { type: 'response.refusal.done', ...at, refusal: part.refusal };
    } else if (part.type === 'reasoning_text') {
      yield { type: 'response.reasoning_text.delta', ...at, delta: part.text };
      yield { type: 'response.reasoning_text.done', ...at, text: part.text };
    } else {
      const { text, logprobs } = part;
      yield { type: 'response.output_text.delta', ...at, delta: text, logprobs };
      yield { type: 'response.output_text.done', ...at, text, logprobs };
      for (const [annotation_index, annotation] of part.annotations.entries()) {
        yield { type: 'response.output_text.annotation.added', ...at, annotation, annotation_index };
      }
    }
    yield { type: 'response.content_part.done', ...at, part };
  }
}

function* summaryOf({ summary }: Reasoning, item: Place): Generator<ItemEvent> {
  for (const [summary_index, part] of summary.entries()) {
    const at = { ...item, summary_index };
    yield { type: 'response.reasoning_summary_part.added', ...at, part: { ...part, text: '' } };
    yield { type: 'response.reasoning_summary_text.delta', ...at, delta: part.text };
    yield { type: 'response.reasoning_summary_text.done', ...at, text: part.text };
    yield { type: 'response.reasoning_summary_part.done', ...at, part };
  }
}
