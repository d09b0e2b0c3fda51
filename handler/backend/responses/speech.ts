import type { ItemEvent } from '../../events/events.ts';
import { ItemWriter } from '../../events/item-writer.ts';
import { type CallFragment, CallQueue } from '../functions/call-queue.ts';
import type { ModelFunction } from '../functions/tools.ts';
import { garbled } from '../server/failure.ts';

/**
 * Has the items of another server's response speak through one ItemWriter: items are told apart by numbers, and one that
 * speaks ends the one that spoke before. What comes late to a text is a new item, so that nothing is lost; parallel
 * calls wait for one another.
 */
export class Speech {
  readonly #writer: ItemWriter;
  readonly #calls: CallQueue;
  #speaker: number | 'calls' | undefined;
  /** The number of the latest call, and of the latest that can say no more. */
  #latestCall = -1;
  #latestEnded = -1;

  constructor(wantsSummary: boolean, tools: ReadonlyMap<string, ModelFunction>) {
    this.#writer = new ItemWriter(wantsSummary);
    this.#calls = new CallQueue(this.#writer, tools, Number.POSITIVE_INFINITY);
  }

  /** The events since the last take. */
  take(): ItemEvent[] {
    return this.#writer.take();
  }

  /** The ItemWriter, for the item of this number to say something that is no call. */
  of(number: number): ItemWriter {
    if (this.#speaker !== number) this.end('completed');
    this.#speaker = number;
    return this.#writer;
  }

  /** Whether the item of this number was the last to say something, and may go on. */
  isSpeaking(number: number): boolean {
    return this.#speaker === number;
  }

  /** Begins a call, or adds to one. Throws an ApiError for one that can say no more. */
  call(number: number, fragment: Omit<CallFragment, 'index'>): void {
    if (number <= this.#latestEnded) {
      if (fragment.arguments === '') return;
      throw garbled('arguments of a call after something else was said');
    }
    if (this.#speaker !== 'calls') this.end('completed');
    this.#speaker = 'calls';
    this.#latestCall = Math.max(this.#latestCall, number);
    this.#calls.add({ index: number, ...fragment });
  }

  /** Whether the arguments of the last call break off. */
  get broken(): boolean {
    return this.#calls.broken;
  }

  /** Ends what is open. */
  end(status: 'completed' | 'incomplete'): void {
    this.#calls.flush(status);
    this.#latestEnded = this.#latestCall;
    this.#writer.close(status);
    this.#speaker = undefined;
  }
}
