import type { ServerDuplexStream } from '@grpc/grpc-js';
import { fixedLimits, traceHeaders } from '../handler/index.ts';
import type { ProcessingRequest, ProcessingResponse } from './messages.ts';
import { isProof } from './proof.ts';
import type { Exchange } from './session.ts';

/** A gRPC call as an Exchange, and the two ways to end it. */
export interface CallExchange extends Exchange {
  /** Ends the exchange after its answer: messages that still arrive are dropped, and the call ends when Envoy closes its side. */
  finish(): void;
  /** Ends the call at once with an error status, after sent messages. */
  fail(code: number, details: string): void;
}

type Call = ServerDuplexStream<ProcessingRequest, ProcessingResponse>;

/**
 * Wraps a grpc-js duplex stream. Messages go through a queue, since the stream's own iterator destroys it when left early. A
 * slow reader pauses the stream; after `return()` further messages are dropped.
 */
export function callExchange(call: Call): CallExchange {
  const leaving = new AbortController();
  const queue: ProcessingRequest[] = [];
  let wake: (() => void) | undefined;
  let ended = false;
  let finished = false;
  let reading = true;

  function close(): void {
    ended = true;
    // grpc-js says 'cancelled' after every call, and 'end' is Envoy's side closing: before our last message either
    // means that the client has left, afterwards neither does.
    if (!finished) leaving.abort(new DOMException('The client has left.', 'AbortError'));
    wake?.();
  }

  call.on('data', (message: ProcessingRequest) => {
    if (!reading) return;
    queue.push(message);
    if (queue.length >= fixedLimits.messages) call.pause();
    wake?.();
  });
  call.on('end', () => {
    close();
    call.end(); // Envoy resets the stream as soon as it has its answer; other clients wait for this
  });
  let onClose: (() => void)[] | undefined = [];
  call.on('cancelled', () => {
    close();
    for (const then of onClose ?? []) then();
    onClose = undefined;
  });
  call.on('error', close);

  function drop(): void {
    reading = false;
    queue.length = 0;
    call.resume(); // without it the end event never comes
  }

  return {
    signal: leaving.signal,
    get trace() {
      const of = (name: string) => call.metadata.get(name).join() || undefined; // as HTTP joins what is sent twice
      return traceHeaders(of('traceparent'), of('tracestate'));
    },
    hasProof: (proof) => isProof(call.metadata.get(proof.header).map(String), proof),
    closed(then) {
      if (onClose) onClose.push(then);
      else then();
    },
    finish() {
      finished = true;
      drop();
    },
    fail(code, details) {
      finished = true;
      call.emit('error', { code, details });
    },
    send(message) {
      if (call.write(message) || leaving.signal.aborted || call.cancelled) return Promise.resolve();
      return new Promise((resolve) => {
        // A cancelled call emits no drain.
        const done = () => {
          call.off('drain', done);
          call.off('cancelled', done);
          resolve();
        };
        call.once('drain', done);
        call.once('cancelled', done);
      });
    },
    [Symbol.asyncIterator]: () => ({
      async next() {
        while (queue.length === 0 && !ended) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const value = queue.shift();
        if (queue.length === 0 && call.isPaused()) call.resume();
        return value ? { done: false, value } : { done: true, value: undefined };
      },
      async return() {
        drop();
        return { done: true, value: undefined };
      },
    }),
  };
}
