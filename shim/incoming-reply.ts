import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

/** How long in ms an abandoned body is still read: servers end a stream right after its last event. */
const LINGER_MS = 50;

/** Bytes of a body that may wait for who reads it before its connection is paused. */
const MAX_WAITING = 64 * 1024;

/** The status and headers of a reply. */
export interface ReplyHead {
  status: number;
  headers: IncomingHttpHeaders;
}

type Step = IteratorResult<Uint8Array, undefined>;

const END: Step = { done: true, value: undefined };

/**
 * The reply to one request as undici hands it on: its head, then the chunks of its body, read once and one at a time. Made of
 * callbacks, since Node's streams in between cost as much as the rest of a call. An abort closes the connection at once and
 * rejects with the reason of the signal; a body that is left is read to its end for 50 ms, and its connection is closed then.
 */
export class IncomingReply implements Dispatcher.DispatchHandler, AsyncIterableIterator<Uint8Array, undefined> {
  readonly #head = Promise.withResolvers<ReplyHead>();
  readonly #signal: AbortSignal;
  readonly #abort = () => {
    const { reason } = this.#signal;
    // undici says nothing of an abort while it connects.
    this.#head.reject(reason);
    this.#controller?.abort(reason);
  };
  #controller: Dispatcher.DispatchController | undefined;
  #chunks: Uint8Array[] = [];
  #waiting = 0;
  #reader: PromiseWithResolvers<Step> | undefined;
  #end: { error?: unknown } | undefined;
  #isLeft = false;
  #linger: NodeJS.Timeout | undefined;

  /** Throws the reason of a signal that has aborted. */
  constructor(signal: AbortSignal) {
    signal.throwIfAborted();
    this.#signal = signal;
    signal.addEventListener('abort', this.#abort);
  }

  /** Resolves once the head is there, and rejects when there will be none. */
  get head(): Promise<ReplyHead> {
    return this.#head.promise;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    const chunk = this.#chunks.shift();
    if (chunk) {
      this.#waiting -= chunk.length;
      if (this.#waiting < MAX_WAITING) this.#controller?.resume();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (!this.#end) {
      this.#reader = Promise.withResolvers();
      return this.#reader.promise;
    }
    return 'error' in this.#end ? Promise.reject(this.#end.error) : Promise.resolve(END);
  }

  return(): Promise<Step> {
    this.#isLeft = true;
    this.#chunks = [];
    this.#reader?.resolve(END);
    if (!this.#end) {
      this.#linger = setTimeout(() => this.#controller?.abort(new Error('the reply was left')), LINGER_MS);
      this.#controller?.resume();
    }
    return Promise.resolve(END);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) controller.abort(this.#signal.reason);
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status >= 200) this.#head.resolve({ status, headers });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#isLeft) return;
    if (this.#reader) {
      this.#reader.resolve({ done: false, value: chunk });
      this.#reader = undefined;
      return;
    }
    this.#chunks.push(chunk);
    this.#waiting += chunk.length;
    if (this.#waiting >= MAX_WAITING) controller.pause();
  }

  onResponseEnd(): void {
    this.#close({});
    this.#reader?.resolve(END);
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    this.#close({ error });
    this.#head.reject(error);
    this.#reader?.reject(error);
  }

  #close(end: { error?: unknown }): void {
    this.#end = end;
    clearTimeout(this.#linger);
    this.#signal.removeEventListener('abort', this.#abort);
  }
}
