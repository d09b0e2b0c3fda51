import type { ItemEvent } from '../events/events.ts';
import type { OutputText } from '../protocol/content.ts';
import type { TextMarks } from '../tools/tool.ts';
import { MarkedText } from './marked-text.ts';

/** The texts of a turn's messages with the marks of its tools replaced, in the events and in the items. */
export class MarkedTexts {
  readonly #marks: readonly TextMarks[];
  readonly #texts = new Map<string, MarkedText>();

  constructor(marks: readonly TextMarks[]) {
    this.#marks = marks;
  }

  /** What an event becomes: itself, others, or nothing while a mark may be open. */
  pass(event: ItemEvent): ItemEvent[] {
    if (this.#marks.length === 0) return [event];
    switch (event.type) {
      case 'response.output_text.delta':
        return this.#textOf(event).take(event);
      case 'response.output_text.annotation.added':
        return this.#textOf(event).cite(event);
      case 'response.output_text.done':
        return this.#textOf(event).end(event);
      case 'response.content_part.done': {
        const { part } = event;
        return part.type === 'output_text' ? [{ ...event, part: this.#textOf(event).part(part) }] : [event];
      }
      case 'response.output_item.done': {
        const { item } = event;
        if (item.type !== 'message') return [event];
        const content = item.content.map((part, content_index) =>
          part.type === 'output_text' ? this.#takeOut({ item_id: item.id, content_index }, part) : part,
        );
        return [{ ...event, item: { ...item, content } }];
      }
      default:
        return [event];
    }
  }

  /** What was held back of texts that will not go on. */
  cut(): ItemEvent[] {
    return [...this.#texts.values()].flatMap((text) => text.cut());
  }

  #textOf({ item_id, content_index }: { item_id: string; content_index: number }): MarkedText {
    const key = `${item_id} ${content_index}`;
    const text = this.#texts.get(key) ?? new MarkedText(this.#marks);
    this.#texts.set(key, text);
    return text;
  }

  #takeOut(at: { item_id: string; content_index: number }, part: OutputText): OutputText {
    const marked = this.#textOf(at).part(part);
    this.#texts.delete(`${at.item_id} ${at.content_index}`);
    return marked;
  }
}
