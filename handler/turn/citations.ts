import type { ItemEvent } from '../events/events.ts';
import type { Annotation, OutputText } from '../protocol/content.ts';

/** Puts the citations that tools gave onto the next text that the model writes, in its events and in its item. */
export class Citations {
  #pending: Annotation[] = [];
  /** Citations the open text has of its own. */
  #own = 0;
  #lastText: { content: number; annotations: Annotation[] } | undefined;

  /** Citations that wait for the next text. */
  get pending(): readonly Annotation[] {
    return this.#pending;
  }

  /** Queues citations for the next text. */
  queue(citations: readonly Annotation[]): void {
    this.#pending.push(...citations);
  }

  /** The event, with the queued citations added to it. */
  *pass(event: ItemEvent): Generator<ItemEvent> {
    const lastText = this.#lastText;
    if (event.type === 'response.content_part.added') this.#own = 0;
    if (event.type === 'response.output_text.annotation.added') this.#own++;
    if (event.type === 'response.output_text.done' && this.#pending.length > 0) {
      const { item_id, output_index, content_index } = event;
      this.#lastText = { content: content_index, annotations: this.#pending };
      for (const [index, annotation] of this.#pending.entries()) {
        yield {
          type: 'response.output_text.annotation.added',
          sequence_number: 0,
          item_id,
          output_index,
          content_index,
          annotation_index: this.#own + index,
          annotation,
        };
      }
      this.#pending = [];
      yield event;
    } else if (event.type === 'response.content_part.done' && event.part.type === 'output_text' && lastText) {
      yield event.content_index === lastText.content
        ? { ...event, part: cite(event.part, lastText.annotations) }
        : event;
    } else if (event.type === 'response.output_item.done' && event.item.type === 'message' && lastText) {
      const content = event.item.content.map((part, index) =>
        part.type === 'output_text' && index === lastText.content ? cite(part, lastText.annotations) : part,
      );
      this.#lastText = undefined;
      yield { ...event, item: { ...event.item, content } };
    } else yield event;
  }
}

function cite(part: OutputText, annotations: readonly Annotation[]): OutputText {
  return { ...part, annotations: [...part.annotations, ...annotations] };
}
