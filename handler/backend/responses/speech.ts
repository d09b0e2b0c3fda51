import type { ItemEvent } from '../../events/events.ts';
import { ItemWriter } from '../../events/item-writer.ts';
import { type CallFragment, CallQueue } from '../functions/call-queue.ts';
import type { ModelFunction } from '../functions/tools.ts';
import { garbled } from '../server/failure.ts';

/**
 * Writes the items of another server's response through one ItemWriter. An item that gets text ends the one before;
 * late text of an ended item becomes a new item, so that nothing is lost. Parallel calls wait for one another.
 */
export class Speech {
  readonly #writer: ItemWriter;
  readonly #calls: CallQueue;
  #speaker: number | 'calls' | undefined;
  /** The number of the latest call, and of the latest call that has ended. */
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

  /** The ItemWriter, for a text of the item with this number. */
  of(number: number): ItemWriter {
    if (this.#speaker !== number) this.end('completed');
    this.#speaker = number;
    return this.#writer;
  }

  /** Whether the item with this number is the open one. */
  isSpeaking(number: number): boolean {
    return this.#speaker === number;
  }

  /** Begins a call, or adds to one. Throws an ApiError for a call that has ended. */
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

  /** Whether the last call's arguments are incomplete JSON. */
  get broken(): boolean {
    return this.#calls.broken;
  }

  /** Ends the open item. */
  end(status: 'completed' | 'incomplete'): void {
    this.#calls.flush(status);
    this.#latestEnded = this.#latestCall;
    this.#writer.close(status);
    this.#speaker = undefined;
  }
}
