import type { Logprob, OutputText, ReasoningText, Refusal, SummaryText } from '../protocol/content.ts';
import type { ItemEvent } from '../protocol/events.ts';

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

/** The events that a part is whole: what it says, and then the part. */
export function done(part: Part, place: Place): ItemEvent[] {
  return [said(part, place), partEvent('done', part, place)];
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
