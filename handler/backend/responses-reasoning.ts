import { newId } from '../ids.ts';
import type { ItemEvent } from '../protocol/events.ts';
import type { Reasoning } from '../protocol/items.ts';

/** Where reasoning goes: what the server sums up of it, or the thing itself. */
export type ReasoningList = 'summary' | 'content';

/** Writes one reasoning item, its summaries and sealed content included, and its events in OpenAI's order. */
export class ReasoningWriter {
  readonly #events: ItemEvent[];
  readonly #item: Reasoning = { type: 'reasoning', id: newId('rs'), summary: [], content: [], status: 'in_progress' };
  readonly #place: { sequence_number: 0; item_id: string; output_index: number };
  /** The open part: its list, and its place there as the server counts. */
  #open: { list: ReasoningList; at: number } | undefined;

  /** Begins the item at its place in the output; its events are added to `events`. */
  constructor(events: ItemEvent[], output_index: number) {
    this.#events = events;
    this.#place = { sequence_number: 0, item_id: this.#item.id, output_index };
    const item = { ...this.#item, summary: [], content: [] };
    events.push({ type: 'response.output_item.added', sequence_number: 0, output_index, item });
  }

  /** Adds to a part; another list or another place begins the next one. */
  add(list: ReasoningList, at: number, delta: string): void {
    if (this.#open?.list !== list || this.#open.at !== at) {
      this.#closePart();
      this.#open = { list, at };
      this.#openPart(list);
    }
    const parts = this.#item[list];
    const part = parts.at(-1);
    if (!part) return;
    part.text += delta;
    const index = parts.length - 1;
    this.#events.push(
      list === 'summary'
        ? { type: 'response.reasoning_summary_text.delta', ...this.#place, summary_index: index, delta }
        : { type: 'response.reasoning_text.delta', ...this.#place, content_index: index, delta },
    );
  }

  /** Keeps what only the server itself can read. */
  seal(content: string): void {
    this.#item.encrypted_content = content;
  }

  /** Ends the item. */
  close(status: 'completed' | 'incomplete'): void {
    this.#closePart();
    const item = { ...this.#item, status };
    const { output_index } = this.#place;
    this.#events.push({ type: 'response.output_item.done', sequence_number: 0, output_index, item });
  }

  #openPart(list: ReasoningList): void {
    const { summary, content } = this.#item;
    if (list === 'summary') {
      summary.push({ type: 'summary_text', text: '' });
      const part = { type: 'summary_text' as const, text: '' };
      const place = { ...this.#place, summary_index: summary.length - 1 };
      this.#events.push({ type: 'response.reasoning_summary_part.added', ...place, part });
    } else {
      content.push({ type: 'reasoning_text', text: '' });
      const part = { type: 'reasoning_text' as const, text: '' };
      const place = { ...this.#place, content_index: content.length - 1 };
      this.#events.push({ type: 'response.content_part.added', ...place, part });
    }
  }

  #closePart(): void {
    const { summary, content } = this.#item;
    const said = this.#open?.list === 'summary' ? summary.at(-1) : undefined;
    const thought = this.#open?.list === 'content' ? content.at(-1) : undefined;
    if (said) {
      const place = { ...this.#place, summary_index: summary.length - 1 };
      this.#events.push({ type: 'response.reasoning_summary_text.done', ...place, text: said.text });
      this.#events.push({ type: 'response.reasoning_summary_part.done', ...place, part: said });
    } else if (thought) {
      const place = { ...this.#place, content_index: content.length - 1 };
      this.#events.push({ type: 'response.reasoning_text.done', ...place, text: thought.text });
      this.#events.push({ type: 'response.content_part.done', ...place, part: thought });
    }
    this.#open = undefined;
  }
}
