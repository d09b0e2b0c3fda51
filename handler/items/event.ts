import type { OutputText, ReasoningText, Refusal } from '../protocol/content.ts';

// The common members of item events. Each item type declares its own events.

/** The member of every event. */
export interface AnyEvent {
  type: string;
}

/** An event of a stream, with its number. */
export interface Numbered {
  /** Counts up from 0 through a response; 0 until the turn numbers the event. */
  sequence_number: number;
}

/** An event of an item. */
export interface OfItem extends Numbered {
  item_id: string;
  /** The item's place in the response's `output`. */
  output_index: number;
}

/** An event of a part of an item's content. */
export interface OfPart extends OfItem {
  content_index: number;
}

/** A delta; `obfuscation` is padding for clients that request it. */
export interface Growing {
  delta: string;
  obfuscation?: string;
}

/** A content part begins or is whole. */
export interface ContentPartEvent extends OfPart {
  type: 'response.content_part.added' | 'response.content_part.done';
  part: OutputText | Refusal | ReasoningText;
}
