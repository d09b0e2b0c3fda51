import type { OutputText, ReasoningText, Refusal } from '../protocol/content.ts';

// What the events of items have in common. Each type of item declares its own.

/** What every event has, of whatever type. */
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

/** What grows; `obfuscation` is padding for clients who asked for it. */
export interface Growing {
  delta: string;
  obfuscation?: string;
}

/** A content part begins or is whole. */
export interface ContentPartEvent extends OfPart {
  type: 'response.content_part.added' | 'response.content_part.done';
  part: OutputText | Refusal | ReasoningText;
}
