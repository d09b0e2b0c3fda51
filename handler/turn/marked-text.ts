import type { ItemEvent } from '../events/events.ts';
import { fixedLimits } from '../limits.ts';
import type { Annotation, OutputText } from '../protocol/content.ts';
import type { TextMarks } from '../tools/tool.ts';
import { MarkScanner, type TextPiece } from './mark-scanner.ts';

type Delta = Extract<ItemEvent, { type: 'response.output_text.delta' }>;
type Cited = Extract<ItemEvent, { type: 'response.output_text.annotation.added' }>;
type Done = Extract<ItemEvent, { type: 'response.output_text.done' }>;

/** A replaced mark: where it was in the text as the model wrote it, and what stands there now. */
interface Replaced {
  from: number;
  to: number;
  start: number;
  end: number;
}

/**
 * One text with its marks replaced. Citations come as soon as what they cite has been sent, and those that a model's server made move with the
 * text. Log probabilities stay those of the tokens that the model wrote.
 */
export class MarkedText {
  readonly #scanner: MarkScanner;
  readonly #replaced: Replaced[] = [];
  readonly #annotations: Annotation[] = [];
  /** The text so far, as it is sent, and as long as it was written. */
  #text = '';
  #written = 0;
  /** What has come of the text as it was written. */
  #taken = 0;
  /** The newest delta, and the log probabilities of what is held back. */
  #last: Delta | undefined;
  #logprobs: Delta['logprobs'] = [];

  constructor(marks: readonly TextMarks[]) {
    this.#scanner = new MarkScanner(marks);
  }

  /** Takes in a delta. */
  take(delta: Delta): ItemEvent[] {
    this.#last = delta;
    this.#taken += delta.delta.length;
    this.#logprobs.push(...delta.logprobs);
    return this.#send(this.#scanner.take(delta.delta), delta);
  }

  /** Takes in a citation of the model's server. */
  cite({ annotation, ...event }: Cited): ItemEvent[] {
    return this.#add(this.#moved(annotation), event);
  }

  /** Takes in the whole text. */
  end(done: Done): ItemEvent[] {
    const { text, logprobs: _, ...place } = done;
    const rest = text.slice(this.#taken);
    this.#taken = text.length;
    const pieces = [...this.#scanner.take(rest), ...this.#scanner.end()];
    const delta = { ...(this.#last ?? place), type: 'response.output_text.delta' as const, delta: '', logprobs: [] };
    return [...this.#send(pieces, delta), { ...done, text: this.#text }];
  }

  /** What was held back of a text that will not go on. */
  cut(): ItemEvent[] {
    return this.#last ? this.#send(this.#scanner.end(), this.#last) : [];
  }

  /** The part as it is in the end. */
  part(part: OutputText): OutputText {
    // Of a part without events of its own nothing is sent.
    if (this.#taken === 0 && part.text !== '')
      this.#send([...this.#scanner.take(part.text), ...this.#scanner.end()], NOWHERE);
    this.#taken = part.text.length;
    return { ...part, text: this.#text, annotations: [...this.#annotations] };
  }

  #send(pieces: readonly TextPiece[], { delta: _, logprobs: __, ...place }: Delta): ItemEvent[] {
    const events: ItemEvent[] = [];
    let unsent = '';
    const flush = () => {
      if (unsent === '') return;
      events.push({ ...place, delta: unsent, logprobs: this.#logprobs });
      unsent = '';
      this.#logprobs = [];
    };
    for (const { text, raw, annotation } of pieces) {
      const start = this.#text.length;
      if (text.length !== raw || annotation)
        this.#replaced.push({ from: this.#written, to: this.#written + raw, start, end: start + text.length });
      this.#text += text;
      this.#written += raw;
      unsent += text;
      if (!annotation) continue;
      flush();
      events.push(
        ...this.#add(
          shifted(annotation, (index) => index + start),
          place,
        ),
      );
    }
    flush();
    return events;
  }

  #add(
    annotation: Annotation,
    { item_id, output_index, content_index }: Omit<Cited, 'type' | 'annotation' | 'annotation_index'>,
  ): ItemEvent[] {
    const annotation_index = this.#annotations.length;
    if (annotation_index >= fixedLimits.partCitations) return []; // the text is as it should be without it
    this.#annotations.push(annotation);
    const place = { sequence_number: 0, item_id, output_index, content_index };
    return [{ type: 'response.output_text.annotation.added', ...place, annotation_index, annotation }];
  }

  #moved(annotation: Annotation): Annotation {
    return shifted(annotation, (index, isEnd) => {
      const mark = this.#replaced.findLast(({ from }) => from < index || (from === index && !isEnd));
      if (!mark) return index;
      if (index >= mark.to) return index + mark.end - mark.to;
      return isEnd ? mark.end : mark.start;
    });
  }
}

/** The place of what is not sent. */
const NOWHERE: Delta = {
  ...{ type: 'response.output_text.delta', sequence_number: 0, item_id: '', output_index: 0, content_index: 0 },
  ...{ delta: '', logprobs: [] },
};

/** An annotation with other indexes. */
function shifted(annotation: Annotation, move: (index: number, isEnd: boolean) => number): Annotation {
  if ('index' in annotation) return { ...annotation, index: move(annotation.index, false) };
  const { start_index, end_index } = annotation;
  return { ...annotation, start_index: move(start_index, false), end_index: move(end_index, true) };
}
