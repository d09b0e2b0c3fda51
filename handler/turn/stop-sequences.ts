import type { BackendEvent, Prepare } from '../backend/backend.ts';
import type { OutputMessage } from '../items/message.ts';

/**
 * Prepares calls that end where the model has said one of these texts, which is then not part of what it said; their Finish says which.
 * Not every server can be asked for that, and few say which it was, so it is done here: the call is ended then, and its server
 * counts no tokens.
 */
export function stoppingAt(prepare: Prepare, sequences: readonly string[]): Prepare {
  return (call) => {
    const prepared = prepare(call);
    return { ...prepared, stream: (signal, options) => stopped(prepared.stream(signal, options), sequences) };
  };
}

async function* stopped(
  events: AsyncIterable<BackendEvent>,
  sequences: readonly string[],
): AsyncGenerator<BackendEvent, void> {
  let message: OutputMessage | undefined;
  let search = new Search(sequences);
  let text = '';
  for await (const event of events) {
    if (event.type === 'response.output_item.added' && event.item.type === 'message') {
      message = { ...event.item, content: [] };
    } else if (event.type === 'response.content_part.added') {
      search = new Search(sequences);
      text = '';
    } else if (event.type === 'response.content_part.done' && event.part.type !== 'reasoning_text') {
      message?.content.push(event.part);
    } else if (event.type === 'response.output_text.done' && search.held !== '') {
      yield { ...event, type: 'response.output_text.delta', delta: search.held, logprobs: [] };
    } else if (event.type === 'response.output_text.delta') {
      const delta = search.pass(event.delta);
      text += delta;
      yield delta === '' ? { type: 'keep_alive' } : { ...event, delta };
      if (search.found === undefined || !message) continue;
      const part = { type: 'output_text' as const, text, annotations: [], logprobs: [] };
      const { delta: _, ...position } = event;
      yield { ...position, type: 'response.output_text.done', text, logprobs: [] };
      yield { ...position, type: 'response.content_part.done', part };
      const { output_index } = event;
      const item: OutputMessage = { ...message, content: [...message.content, part], status: 'completed' };
      yield { type: 'response.output_item.done', sequence_number: 0, output_index, item };
      yield { type: 'finish', reason: 'stop', usage: null, stopped: search.found };
      return;
    }
    yield event;
  }
}

/** Looks for several texts at once in one that comes in pieces, in a time that grows with its length alone. */
class Search {
  readonly #patterns: Pattern[];
  /** The end of what came that may be the beginning of one. */
  held = '';
  /** The first that is complete. */
  found: string | undefined;

  constructor(sequences: readonly string[]) {
    this.#patterns = sequences.map((sequence) => new Pattern(sequence));
  }

  /** Takes in a piece, and returns what can be passed on: all before the text that was found. */
  pass(piece: string): string {
    const text = this.held + piece;
    for (let at = this.held.length; at < text.length; at++) {
      for (const pattern of this.#patterns) {
        if (!pattern.take(text.charCodeAt(at))) continue;
        this.found = pattern.text;
        this.held = '';
        return text.slice(0, Math.max(0, at + 1 - pattern.text.length));
      }
    }
    const length = Math.max(...this.#patterns.map((pattern) => pattern.matched));
    this.held = text.slice(text.length - length);
    return text.slice(0, text.length - length);
  }
}

/** One text that is looked for, after Knuth, Morris and Pratt. */
class Pattern {
  readonly text: string;
  /** How much of it the last characters are. */
  matched = 0;
  /** How much of the first so many characters they still are, without the first of these. */
  readonly #shorter: number[];

  constructor(text: string) {
    this.text = text;
    this.#shorter = [0, 0];
    for (let at = 1; at < text.length; at++) {
      this.#shorter.push(this.#after(this.#shorter[at] ?? 0, text.charCodeAt(at)));
    }
  }

  /** Takes in a character; true if it completes the text. */
  take(code: number): boolean {
    this.matched = this.#after(this.matched, code);
    return this.matched === this.text.length;
  }

  #after(matched: number, code: number): number {
    let length = matched;
    while (length > 0 && this.text.charCodeAt(length) !== code) length = this.#shorter[length] ?? 0;
    return this.text.charCodeAt(length) === code ? length + 1 : 0;
  }
}
