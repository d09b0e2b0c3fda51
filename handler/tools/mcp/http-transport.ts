import type { Transport } from '@modelcontextprotocol/client';
import { EgressError, type FetchLike } from '../../egress/egress.ts';
import { parseObject } from '../../parse-json.ts';
import { CredentialsRefused, StreamRefused } from './failure.ts';
import type { HttpServer, KnownEra } from './session.ts';

type Library = typeof import('@modelcontextprotocol/client');

/** The way to a server, as the official client takes it. */
export interface OpenTransport {
  transport: Transport;
  /** Ends what the server has of it, whether or not the transport is still open. */
  end(): Promise<void>;
  /** Why it could not be connected. */
  failureOf(error: unknown): unknown;
}

/** The header that names a session. */
const SESSION = 'mcp-session-id';

/** How long the end of a session may take, and a handshake that nobody waits for any more, in milliseconds. */
const END_MS = 2_000;

/** A transport to a server over HTTP, which is not yet connected. */
export function httpTransport(
  library: Library,
  kind: KnownEra['transport'],
  server: HttpServer,
  send: FetchLike,
): OpenTransport {
  const url = new URL(server.url);
  const requestInit = { headers: { ...server.headers } };
  const refusing = refusingOf(send);
  if (kind === 'sse') {
    let failure: unknown;
    const told: FetchLike = async (to, init) => {
      try {
        return await refusing(to, init);
      } catch (error) {
        failure ??= error; // the transport keeps nothing of it but its words
        throw error;
      }
    };
    const failureOf = (error: unknown) =>
      failure ??
      (error instanceof library.SseError && error.code !== undefined ? new StreamRefused(error.code) : error);
    return {
      transport: new library.SSEClientTransport(url, { requestInit, fetch: told }),
      end: async () => {},
      failureOf,
    };
  }
  let session: string | undefined;
  const end = async () => {
    if (session === undefined) return;
    const headers = new Headers({ ...server.headers, [SESSION]: session });
    if (transport.protocolVersion) headers.set('mcp-protocol-version', transport.protocolVersion);
    session = undefined;
    const reply = await send(url, { method: 'DELETE', headers, signal: AbortSignal.timeout(END_MS) });
    await reply.body?.cancel();
  };
  const asked: FetchLike = async (to, init = {}) => {
    // No stream of what the server says unasked: nobody listens, and each one is a connection.
    if ((init.method ?? 'GET') === 'GET') return new Response(null, { status: 405 });
    if (!isHandshake(init.body)) return refusing(to, init);
    return outliving(
      init.signal ?? undefined,
      async (signal) => {
        const reply = await refusing(to, { ...init, signal });
        if (reply.ok) session = reply.headers.get(SESSION) ?? undefined;
        return reply;
      },
      end,
    );
  };
  const transport = new library.StreamableHTTPClientTransport(url, {
    requestInit,
    fetch: asked,
    redirectPolicy: 'follow', // the egress follows, and checks each hop
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 0,
      maxReconnectionDelay: 0,
      reconnectionDelayGrowFactor: 1,
    },
  });
  endingCalls(transport);
  return { transport, end, failureOf: (error) => error };
}

/** A call whose reply ends without a result fails with that, and not when its time is over: nothing more can come of it. */
function endingCalls(transport: Transport): void {
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    if (!('method' in message) || message.method !== 'tools/call') return send(message, options);
    const { promise, reject } = Promise.withResolvers<void>();
    const ended = () => reject(new EgressError('broken', 'The reply ended without a result.'));
    // A result that came last is taken first.
    const onRequestStreamEnd = () => setTimeout(ended);
    send(message, { ...options, onRequestStreamEnd }).catch(reject);
    return promise;
  };
}

/** The same way, on which a server that wants other credentials is an error that says which. */
function refusingOf(send: FetchLike): FetchLike {
  return async (to, init) => {
    const reply = await send(to, init);
    if (reply.status !== 401 && reply.status !== 403) return reply;
    await reply.body?.cancel();
    throw new CredentialsRefused(reply.status, reply.headers.get('www-authenticate') ?? '');
  };
}

function isHandshake(body: RequestInit['body']): boolean {
  return typeof body === 'string' && body.includes('"initialize"') && parseObject(body)?.method === 'initialize';
}

/**
 * A request that may begin a session. Whoever waits for it may leave; it goes on for a moment then, since nobody else learns of the session, and
 * `end` is called once it is known. Nobody waits for that.
 */
function outliving(
  signal: AbortSignal | undefined,
  ask: (signal: AbortSignal) => Promise<Response>,
  end: () => Promise<void>,
): Promise<Response> {
  const own = new AbortController();
  const asking = ask(own.signal);
  if (!signal) return asking;
  return new Promise((resolve, reject) => {
    let isLeft = false;
    const leave = () => {
      reject(signal.reason);
      isLeft = true;
      const timer = setTimeout(() => own.abort(), END_MS);
      asking
        .then(async (reply) => {
          await reply.body?.cancel();
          await end();
        })
        .catch(() => {}) // there is no session then, or the server ends it by itself
        .finally(() => clearTimeout(timer));
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave);
    asking.then(
      (reply) => {
        if (isLeft) return;
        signal.removeEventListener('abort', leave);
        signal.addEventListener('abort', () => own.abort(signal.reason));
        resolve(reply);
      },
      (error) => {
        signal.removeEventListener('abort', leave);
        reject(error);
      },
    );
  });
}
