import { createRequire } from 'node:module';
import type { Transport, TransportInit, Upstream } from '../handler/transport.ts';
import { IncomingReply } from './incoming-reply.ts';
import { refusedByProxy } from './proxy-tunnel.ts';
import { ServerAgents } from './server-agents.ts';

// What is used of undici, without the rest, which takes 60 ms and 14 MB more to load.
const require = createRequire(import.meta.url);
const Agent: typeof import('undici').Agent = require('undici/lib/dispatcher/agent.js');

/** A Transport and the connections behind it. */
export interface Connections {
  transport: Transport;
  /** Closes every connection at once, with its requests. */
  close(): Promise<void>;
}

/** How long a connection may take to be made, in milliseconds. */
const CONNECT_MS = 10_000;

const OPTIONS = {
  connect: { timeout: CONNECT_MS },
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

/**
 * Opens HTTP/1.1 connections to model servers, one per concurrent call. An abort closes the socket of the call at once and
 * rejects with the reason of the signal; an abandoned body closes it within 50 ms. It heeds the `connection` of a server, whose
 * connections are its own.
 */
export function createTransport(): Connections {
  const agent = new Agent(OPTIONS);
  const others = new ServerAgents(OPTIONS, CONNECT_MS);

  const transport = async (url: string, init: TransportInit): Promise<Upstream> => {
    const { method, headers, body, signal, connection } = init;
    const { origin, protocol, host, pathname, search } = new URL(url);
    const way = connection && others.to(connection);
    // A proxy is given the whole URL, but for what goes through its tunnels.
    const proxy = protocol === 'http:' ? way?.proxy : undefined;
    const reply = new IncomingReply(signal);
    const request = {
      origin: proxy?.origin ?? origin,
      path: (proxy ? origin : '') + pathname + search,
      method,
      headers: proxy ? { ...headers, ...proxy.headers, host } : headers,
      body: body ?? null,
    };
    (way?.agent ?? agent).dispatch(request, reply);
    const head = await reply.head;
    if (proxy && head.status === 407) {
      void reply.return();
      throw refusedByProxy(407);
    }
    return {
      status: head.status,
      header(name) {
        const value = head.headers[name];
        return Array.isArray(value) ? value.join(', ') : (value ?? null);
      },
      body: reply,
    };
  };
  return {
    transport: Object.assign(transport, { connects: true }),
    async close() {
      await Promise.all([agent.destroy(), others.close()]);
    },
  };
}
