import type { JsonObject } from '../../protocol/json.ts';
import { toAnnotations, toLogprobs } from '../server/json-fields.ts';
import { saidIn } from '../server/said.ts';
import { partsOf, phaseOf, restOf, textOf } from './items.ts';
import type { Speech } from './speech.ts';
import type { ItemProgress } from './streamed-items.ts';

/** The kinds of text of messages and reasoning. */
export type ItemVoice = 'text' | 'refusal' | 'reasoning' | 'summary';

/** Writes the texts of messages and reasoning, each part of one once, though several events have it. */
export class Texts {
  readonly #speech: Speech;
  readonly #logprobs: boolean;
  /** The items that began with a text of which it is not decided whether deltas go on from it. */
  readonly #given = new Set<ItemProgress>();

  /** Log probabilities are passed on only if they were asked for. */
  constructor(speech: Speech, logprobs: boolean) {
    this.#speech = speech;
    this.#logprobs = logprobs;
  }

  /** Takes in the text that an item begins with: whether deltas go on from it or repeat it, the first one tells. */
  give(progress: ItemProgress, given: string): void {
    if (given === '' || progress.done || progress.texts.content !== '') return;
    progress.given = given;
    this.#given.add(progress);
  }

  /** Says what items began with, and nothing went on from. */
  end(): void {
    for (const progress of this.#given) this.#settle(progress, '');
  }

  /** Says a delta. */
  say(progress: ItemProgress, voice: ItemVoice, delta: string, at = 0, logprobs?: unknown): void {
    if (delta === '') return;
    if (progress.given !== '' && voice !== 'summary') this.#settle(progress, delta);
    const list = voice === 'summary' ? 'summary' : 'content';
    // Deltas that come late repeat what is done; others become an item of their own.
    if (progress.done && progress.texts[list].includes(delta)) return;
    progress.texts[list] += delta;
    const writer = this.#speech.of(progress.number);
    if (voice === 'text' || voice === 'refusal') writer.message(progress.phase);
    if (voice === 'text') writer.text(delta, this.#logprobs ? toLogprobs(logprobs) : [], at);
    else writer[voice](delta, at);
  }

  /** Says what a complete text has beside its deltas; one that is a later part of its item is left to the final item. */
  sayRest(progress: ItemProgress, voice: ItemVoice, all: string, at: number): void {
    if (all !== '' && progress.given !== '' && voice !== 'summary') this.#settle(progress, all);
    const streamed = progress.texts[voice === 'summary' ? 'summary' : 'content'];
    if (all.startsWith(streamed)) this.say(progress, voice, all.slice(streamed.length), at);
  }

  /** Adds citations to a text, unless another item was written after it: then they come too late. */
  cite(progress: ItemProgress, list: unknown, at: number): void {
    if (progress.done || !this.#speech.isSpeaking(progress.number)) return;
    const writer = this.#speech.of(progress.number);
    for (const annotation of toAnnotations(list)) writer.cite(annotation, at);
  }

  /** Says what a final message has that was not streamed. */
  message(progress: ItemProgress, item: JsonObject): void {
    this.#settle(progress, textOf(item.content));
    progress.phase = phaseOf(item) ?? progress.phase;
    const rest = restOf(item.content, progress.texts.content);
    for (const [at, part] of partsOf(item.content).entries()) {
      this.say(progress, part.type === 'refusal' ? 'refusal' : 'text', rest[at]?.delta ?? '', at);
      this.cite(progress, part.annotations, at);
    }
    if (this.#speech.isSpeaking(progress.number)) this.#speech.of(progress.number).message(progress.phase);
  }

  /** The same of reasoning. */
  reasoning(progress: ItemProgress, { summary, content }: JsonObject): void {
    this.#settle(progress, textOf(content));
    const { texts } = progress;
    for (const { at, delta } of restOf(summary, texts.summary)) this.say(progress, 'summary', delta, at);
    for (const { at, delta } of restOf(content, texts.content)) this.say(progress, 'reasoning', delta, at);
  }

  /** Decides by the text that comes next whether an item's beginning is repeated by it: if not, it is a part of its own. */
  #settle(progress: ItemProgress, next: string): void {
    const { given } = progress;
    if (given === '') return;
    progress.given = '';
    this.#given.delete(progress);
    const isRepeated = next !== '' && (given.startsWith(next) || next.startsWith(given));
    if (!isRepeated) this.say(progress, progress.kind === 'reasoning' ? 'reasoning' : 'text', given);
  }
}

/** The text in what should be one, and that some servers write as a part or a list of parts. */
export function wordsIn(value: unknown): string {
  if (typeof value === 'string') return value;
  return saidIn(value)
    .map(({ text }) => text)
    .join('');
}

/** The text of a delta that is no plain text; empty for one that is not of a message or of reasoning. */
export function textDelta({ type, delta }: JsonObject): string {
  return delta != null && /^response\.(output_text|refusal|reasoning)/.test(`${type}`) ? wordsIn(delta) : '';
}
