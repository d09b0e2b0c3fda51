import { createRequire } from 'node:module';
import type { Dispatcher } from 'undici';
import type { Transport } from '../handler/transport.ts';
import { unlessAborted } from './race.ts';

// What is used of undici, without the rest, which takes 60 ms and 14 MB more to load.
const require = createRequire(import.meta.url);
const Agent: typeof import('undici').Agent = require('undici/lib/dispatcher/agent.js');
const request: Dispatcher['request'] = require('undici/lib/api/api-request.js');

/** A Transport and the connections behind it. */
export interface Connections {
  transport: Transport;
  /** Closes every connection at once, with its requests. */
  close(): Promise<void>;
}

const OPTIONS = {
  connect: { timeout: 10_000 },
  // No timeouts: a queueing model sends not even headers for long, and the handler has limits of its own.
  headersTimeout: 0,
  bodyTimeout: 0,
  // Below the 5 s after which common servers close an idle connection: a request sent at that moment fails, and a model call
  // must not be repeated.
  keepAliveTimeout: 4_000,
  // No pipelining: the next call must not queue behind a streaming one.
  pipelining: 1,
  // No HTTP/2: an abort would not close the connection, and many calls would fail with it.
  allowH2: false,
};

/** How long in ms an abandoned body is still read: servers end a stream right after its last event. */
const LINGER_MS = 50;

/**
 * Opens HTTP/1.1 connections to model servers, one per concurrent call. An abort closes the socket of the call at once and
 * rejects with the reason of the signal; an abandoned body closes it within 50 ms.
 */
export function createTransport(): Connections {
  const agent = new Agent(OPTIONS);

  const transport: Transport = async (url, { method, headers, body, signal }) => {
    const { origin, pathname, search } = new URL(url);
    const pending = request.call(agent, {
      origin,
      path: pathname + search,
      method,
      headers,
      body: body ?? null,
      signal,
    });
    // undici ignores the signal while it connects.
    const reply = await unlessAborted(pending, signal);
    // An early destroy emits an error, which has no other listener.
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

/** Drains an abandoned body, which frees its connection for the next call, or soon closes the socket. */
function linger(body: { destroy(): unknown }, chunks: AsyncIterator<Uint8Array>): void {
  const timer = setTimeout(() => body.destroy(), LINGER_MS);
  const drain = async () => {
    while (!(await chunks.next()).done);
  };
  drain()
    .catch(() => {}) // nobody waits for it
    .finally(() => clearTimeout(timer));
}
