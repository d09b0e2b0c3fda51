import type { ItemEvent } from '../../events/events.ts';
import { ItemWriter } from '../../events/item-writer.ts';
import { type CallFragment, CallQueue } from '../functions/call-queue.ts';
import type { ModelFunction } from '../functions/tools.ts';

/**
 * Writes the items of another server's response through one ItemWriter. An item that gets text ends the one before;
 * late text of an ended item becomes a new item, so that nothing is lost. Parallel calls wait for one another.
 */
export class Speech {
  readonly #writer: ItemWriter;
  readonly #calls: CallQueue;
  #speaker: number | 'calls' | undefined;
  /** The numbers of the calls that have begun. */
  readonly #begun = new Set<number>();

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

  /** Begins a call, or adds to one. Throws an ApiError for a call that has ended with other arguments. */
  call(number: number, fragment: CallFragment): void {
    if (!this.#begun.has(number)) {
      if (this.#speaker !== 'calls') this.end('completed');
      this.#begun.add(number);
      this.#speaker = 'calls';
    }
    this.#calls.add({ ...fragment, key: number });
  }

  /** The arguments so far of the call with this number. */
  argumentsOf(number: number): string {
    return this.#calls.argumentsOf(number);
  }

  /** Whether a call is incomplete: another item would end it. */
  get isPending(): boolean {
    return this.#calls.isPending;
  }

  /** Whether the last call's arguments are incomplete JSON. */
  get broken(): boolean {
    return this.#calls.broken;
  }

  /** Whether no item has anything in it. */
  get isSilent(): boolean {
    return this.#writer.isSilent;
  }

  /** Ends the open item. */
  end(status: 'completed' | 'incomplete'): void {
    this.#calls.flush(status);
    this.#writer.close(status);
    this.#speaker = undefined;
  }

  /** Writes all waiting calls at the end of the reply, and leaves the last item open. Throws for arguments of a call that had ended. */
  settle(status: 'completed' | 'incomplete'): void {
    this.#calls.end(status);
  }

  /** The same, and ends the open item. */
  finish(status: 'completed' | 'incomplete'): void {
    this.#calls.end(status);
    this.end(status);
  }
}
