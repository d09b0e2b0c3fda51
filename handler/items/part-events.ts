import type {
  Annotation,
  ItemStatus,
  Logprob,
  OutputText,
  ReasoningText,
  Refusal,
  SummaryText,
} from '../protocol/content.ts';
import type { ContentPartEvent, Growing, OfItem, OfPart } from './event.ts';

// The events of content and summary parts.

/** A text of a message grows, cites something, or is whole. */
type TextEvent =
  | (OfPart & Growing & { type: 'response.output_text.delta'; logprobs: Logprob[] })
  | (OfPart & { type: 'response.output_text.done'; text: string; logprobs: Logprob[] })
  | (OfPart & { type: 'response.output_text.annotation.added'; annotation: Annotation; annotation_index: number });

/** A refusal grows, or is whole. */
type RefusalTextEvent =
  | (OfPart & Growing & { type: 'response.refusal.delta' })
  | (OfPart & { type: 'response.refusal.done'; refusal: string });

/** A reasoning text grows, or is whole. */
type ThoughtEvent =
  | (OfPart & Growing & { type: 'response.reasoning_text.delta' })
  | (OfPart & { type: 'response.reasoning_text.done'; text: string });

/** A summary part begins, grows, or is whole. */
type SummaryEvent = OfItem & { summary_index: number } & (
    | { type: 'response.reasoning_summary_part.added'; part: SummaryText }
    | { type: 'response.reasoning_summary_part.done'; part: SummaryText; status?: 'incomplete' }
    | (Growing & { type: 'response.reasoning_summary_text.delta' })
    | { type: 'response.reasoning_summary_text.done'; text: string }
  );

/** The events of a message's parts. */
export type MessageEvent = ContentPartEvent | TextEvent | RefusalTextEvent;
/** The events of reasoning's parts. */
export type ReasoningEvent = ContentPartEvent | ThoughtEvent | SummaryEvent;
type PartEvent = MessageEvent | ReasoningEvent;

/** A content or summary part of a message or reasoning. */
export type OutputPart = OutputText | Refusal | ReasoningText | SummaryText;

/** The position of a part: `index` in the item's content or summary. */
export interface PartPosition {
  item_id: string;
  output_index: number;
  index: number;
}

/** An empty part. */
export function emptyPart(type: OutputPart['type']): OutputPart {
  if (type === 'refusal') return { type, refusal: '' };
  if (type === 'output_text') return { type, text: '', annotations: [], logprobs: [] };
  return { type, text: '' };
}

/** The `added` event of a part. */
export function partAdded(type: OutputPart['type'], position: PartPosition): PartEvent {
  return partEvent('added', emptyPart(type), position);
}

/** The delta event of a part. */
export function partDelta(
  type: OutputPart['type'],
  position: PartPosition,
  delta: string,
  logprobs: Logprob[],
): PartEvent {
  switch (type) {
    case 'output_text':
      return { type: 'response.output_text.delta', ...inContent(position), delta, logprobs };
    case 'refusal':
      return { type: 'response.refusal.delta', ...inContent(position), delta };
    case 'reasoning_text':
      return { type: 'response.reasoning_text.delta', ...inContent(position), delta };
    case 'summary_text':
      return { type: 'response.reasoning_summary_text.delta', ...inSummary(position), delta };
  }
}

/** The event of a new citation. */
export function annotationAdded(annotation: Annotation, annotation_index: number, position: PartPosition): PartEvent {
  return { type: 'response.output_text.annotation.added', ...inContent(position), annotation_index, annotation };
}

/** The `done` events of a part: of its text, then of the part. An incomplete summary has that status. */
export function partDone(part: OutputPart, position: PartPosition, status: ItemStatus): PartEvent[] {
  const event = partEvent('done', part, position);
  if (event.type === 'response.reasoning_summary_part.done' && status === 'incomplete') event.status = status;
  return [textDone(part, position), event];
}

/** The events of complete parts, each text as one delta. Only the last can be incomplete. */
export function partsOf(
  parts: readonly (OutputText | Refusal)[],
  at: OfItem,
  status: ItemStatus,
): Generator<MessageEvent>;
export function partsOf(
  parts: readonly (ReasoningText | SummaryText)[],
  at: OfItem,
  status: ItemStatus,
): Generator<ReasoningEvent>;
export function* partsOf(
  parts: readonly OutputPart[],
  { item_id, output_index }: OfItem,
  status: ItemStatus,
): Generator<PartEvent> {
  for (const [index, part] of parts.entries()) {
    const position = { item_id, output_index, index };
    const { type } = part;
    yield partAdded(type, position);
    const text = type === 'refusal' ? part.refusal : part.text;
    yield partDelta(type, position, text, type === 'output_text' ? part.logprobs : []);
    if (type === 'output_text') {
      for (const [at, annotation] of part.annotations.entries()) yield annotationAdded(annotation, at, position);
    }
    yield* partDone(part, position, index === parts.length - 1 ? status : 'completed');
  }
}

function textDone(part: OutputPart, position: PartPosition): PartEvent {
  switch (part.type) {
    case 'output_text': {
      const { text, logprobs } = part;
      return { type: 'response.output_text.done', ...inContent(position), text, logprobs };
    }
    case 'refusal':
      return { type: 'response.refusal.done', ...inContent(position), refusal: part.refusal };
    case 'reasoning_text':
      return { type: 'response.reasoning_text.done', ...inContent(position), text: part.text };
    case 'summary_text':
      return { type: 'response.reasoning_summary_text.done', ...inSummary(position), text: part.text };
  }
}

function partEvent(stage: 'added' | 'done', part: OutputPart, position: PartPosition): PartEvent {
  return part.type === 'summary_text'
    ? { type: `response.reasoning_summary_part.${stage}`, ...inSummary(position), part }
    : { type: `response.content_part.${stage}`, ...inContent(position), part };
}

function inContent({ item_id, output_index, index: content_index }: PartPosition) {
  return { sequence_number: 0, item_id, output_index, content_index };
}

function inSummary({ item_id, output_index, index: summary_index }: PartPosition) {
  return { sequence_number: 0, item_id, output_index, summary_index };
}
