import { Agent } from 'undici';
import type { Transport } from '../handler/transport.ts';
import { unlessAborted } from './race.ts';

/** A Transport and the connections behind it. */
export interface Connections {
  transport: Transport;
  /** Closes every connection at once, with what is in flight on it. */
  close(): Promise<void>;
}

const OPTIONS = {
  connect: { timeout: 10_000 },
  // A model that queues sends not even headers for long, and one that thinks sends no body: how long is too long is
  // the handler's to say.
  headersTimeout: 0,
  bodyTimeout: 0,
  // Common servers drop an idle connection after 5 s. A request sent at that moment fails, and a model call is no
  // request to send twice.
  keepAliveTimeout: 4_000,
  // A call is streamed for as long as the model talks: the next one must not queue behind it.
  pipelining: 1,
  // On HTTP/2 an abort ends a stream and not the connection, and many calls would share one connection's fate.
  allowH2: false,
};

/** How long in ms a body that was left is still read: servers end a stream a moment after its last event. */
const LINGER_MS = 50;

/**
 * HTTP/1.1 connections to model servers, as many as there are calls at a time. An abort closes the call's socket at
 * once and rejects with the signal's reason; leaving the body before its end closes it within 50 ms.
 */
export function createTransport(): Connections {
  const agent = new Agent(OPTIONS);

  const transport: Transport = async (url, { method, headers, body, signal }) => {
    const { origin, pathname, search } = new URL(url);
    const pending = agent.request({ origin, path: pathname + search, method, headers, body: body ?? null, signal });
    // While a connection is being made, undici itself would not look at the signal.
    const reply = await unlessAborted(pending, signal);
    // Destroying it early is an 'error' event, which nobody else listens to.
    reply.body.on('error', () => {});
    return {
      status: reply.statusCode,
      header(name) {
        const value = reply.headers[name];
        return Array.isArray(value) ? value.join(', ') : (value ?? null);
      },
      body: {
        [Symbol.asyncIterator]() {
          const chunks: AsyncIterator<Uint8Array> = reply.body[Symbol.asyncIterator]();
          return {
            next: () => chunks.next(),
            async return() {
              if (signal.aborted) reply.body.destroy();
              else linger(reply.body, chunks);
              return { done: true, value: undefined };
            },
          };
        },
      },
    };
  };
  return { transport, close: () => agent.destroy() };
}

/** Reads a body that was left to its end, which frees its connection for the next call, or soon closes the socket. */
function linger(body: { destroy(): unknown }, chunks: AsyncIterator<Uint8Array>): void {
  const timer = setTimeout(() => body.destroy(), LINGER_MS);
  const drain = async () => {
    while (!(await chunks.next()).done);
  };
  drain()
    .catch(() => {}) // it broke off, as is its right: nobody waits for it
    .finally(() => clearTimeout(timer));
}
