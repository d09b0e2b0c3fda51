import type { Logprob } from '../protocol/content.ts';
import type { ItemEvent } from '../protocol/events.ts';
import type { OutputItem } from '../protocol/items.ts';
import { type CallFragment, CallQueue } from './call-queue.ts';
import type { ChatTool } from './chat-tools.ts';
import { garbled } from './failure.ts';
import { ReasoningWriter } from './responses-reasoning.ts';
import { Writer } from './writer.ts';

type Status = 'completed' | 'incomplete';

/**
 * Writes what the items of another server's response say, whichever item it is that speaks: items are told apart by
 * numbers, and one that speaks ends the one that spoke before. What comes late to a text is a new item, so that nothing
 * is lost; parallel calls wait for one another.
 */
export class Speech {
  readonly #events: ItemEvent[] = [];
  readonly #writer = new Writer();
  /** Functions of a namespace, under a name of their own to keep the queue from mixing them up. */
  readonly #functions = new Map<string, ChatTool>();
  readonly #calls = new CallQueue(this.#writer, this.#functions, Number.POSITIVE_INFINITY);
  #reasoning: ReasoningWriter | undefined;
  #speaker: number | 'calls' | undefined;
  /** How many items have ended, and how many of them the Writer knows nothing of. */
  #ended = 0;
  #apart = 0;
  /** The number of the latest call, and of the latest that can say no more. */
  #latestCall = -1;
  #latestEnded = -1;

  /** The events since the last take. */
  take(): ItemEvent[] {
    this.#collect();
    return this.#events.splice(0);
  }

  /** Adds to the text, or the refusal, of a message. */
  message(number: number, kind: 'text' | 'refusal', delta: string, logprobs: Logprob[]): void {
    if (this.#speaker !== number) this.end('completed');
    this.#speaker = number;
    if (kind === 'text') this.#writer.text(delta, logprobs);
    else this.#writer.refusal(delta);
  }

  /** The reasoning item of this number, to be added to. */
  reasoning(number: number): ReasoningWriter {
    if (this.#speaker === number && this.#reasoning) return this.#reasoning;
    this.end('completed');
    this.#speaker = number;
    this.#reasoning = new ReasoningWriter(this.#events, this.#ended);
    return this.#reasoning;
  }

  /** Begins a call, or adds to one. Throws an ApiError for one that can say no more. */
  call(number: number, fragment: Omit<CallFragment, 'index'>, namespace = ''): void {
    if (number <= this.#latestEnded) {
      if (fragment.arguments === '') return;
      throw garbled('arguments of a call after something else was said');
    }
    if (this.#speaker !== 'calls') this.end('completed');
    this.#speaker = 'calls';
    this.#latestCall = Math.max(this.#latestCall, number);
    const { name } = fragment;
    const known = name && namespace ? `${namespace} ${name}` : name;
    if (name && known && known !== name)
      this.#functions.set(known, { definition: { name }, type: 'function', name, namespace });
    this.#calls.add({ index: number, ...fragment, name: known });
  }

  /** Adds an item that came as a whole. */
  item(item: OutputItem): void {
    this.end('completed');
    this.#writer.item(item);
  }

  /** Whether the arguments of the last call break off. */
  get broken(): boolean {
    return this.#calls.broken;
  }

  /** Ends what is open. */
  end(status: Status): void {
    this.#calls.flush(status);
    this.#latestEnded = this.#latestCall;
    this.#writer.close(status);
    this.#collect();
    if (this.#reasoning) {
      this.#reasoning.close(status);
      this.#ended++;
      this.#apart++;
    }
    this.#reasoning = undefined;
    this.#speaker = undefined;
  }

  /** The Writer counts only its own items: their places are put right here. */
  #collect(): void {
    for (const event of this.#writer.take()) {
      if ('output_index' in event) event.output_index += this.#apart;
      if (event.type === 'response.output_item.done') this.#ended++;
      this.#events.push(event);
    }
  }
}
