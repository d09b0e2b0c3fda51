import type {
  Annotation,
  ItemStatus,
  Logprob,
  OutputText,
  ReasoningText,
  Refusal,
  SummaryText,
} from '../protocol/content.ts';
import type { ItemEvent } from './events.ts';

/** A part of what a message or reasoning says. */
export type Part = OutputText | Refusal | ReasoningText | SummaryText;

/** Where a part is: `index` is its place in the item's content, or of a summary among the summaries. */
export interface Place {
  item_id: string;
  output_index: number;
  index: number;
}

/** A part that says nothing yet. */
export function emptyPart(type: Part['type']): Part {
  if (type === 'refusal') return { type, refusal: '' };
  if (type === 'output_text') return { type, text: '', annotations: [], logprobs: [] };
  return { type, text: '' };
}

/** The event that a part begins, empty as it is then. */
export function added(type: Part['type'], place: Place): ItemEvent {
  return partEvent('added', emptyPart(type), place);
}

/** The event that a part grows. */
export function grown(type: Part['type'], place: Place, delta: string, logprobs: Logprob[]): ItemEvent {
  switch (type) {
    case 'output_text':
      return { type: 'response.output_text.delta', ...inContent(place), delta, logprobs };
    case 'refusal':
      return { type: 'response.refusal.delta', ...inContent(place), delta };
    case 'reasoning_text':
      return { type: 'response.reasoning_text.delta', ...inContent(place), delta };
    case 'summary_text':
      return { type: 'response.reasoning_summary_text.delta', ...inSummary(place), delta };
  }
}

/** The event that a text gets another citation. */
export function cited(annotation: Annotation, annotation_index: number, place: Place): ItemEvent {
  return { type: 'response.output_text.annotation.added', ...inContent(place), annotation_index, annotation };
}

/** The events that a part has ended: what it says, and then the part; a summary that was cut says so. */
export function done(part: Part, place: Place, status: ItemStatus): ItemEvent[] {
  const event = partEvent('done', part, place);
  if (event.type === 'response.reasoning_summary_part.done' && status === 'incomplete') event.status = status;
  return [said(part, place), event];
}

function said(part: Part, place: Place): ItemEvent {
  switch (part.type) {
    case 'output_text': {
      const { text, logprobs } = part;
      return { type: 'response.output_text.done', ...inContent(place), text, logprobs };
    }
    case 'refusal':
      return { type: 'response.refusal.done', ...inContent(place), refusal: part.refusal };
    case 'reasoning_text':
      return { type: 'response.reasoning_text.done', ...inContent(place), text: part.text };
    case 'summary_text':
      return { type: 'response.reasoning_summary_text.done', ...inSummary(place), text: part.text };
  }
}

function partEvent(stage: 'added' | 'done', part: Part, place: Place): ItemEvent {
  return part.type === 'summary_text'
    ? { type: `response.reasoning_summary_part.${stage}`, ...inSummary(place), part }
    : { type: `response.content_part.${stage}`, ...inContent(place), part };
}

function inContent({ item_id, output_index, index: content_index }: Place) {
  return { sequence_number: 0, item_id, output_index, content_index };
}

function inSummary({ item_id, output_index, index: summary_index }: Place) {
  return { sequence_number: 0, item_id, output_index, summary_index };
}
