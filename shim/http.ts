import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket as NetSocket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { CallerCount, networkOf } from '../handler/index.ts';
import type { Memory } from './body-memory.ts';
import { MAX_GET_BODY, withBodyInQuery } from './get-body.ts';
import { logLine } from './log-line.ts';
import { isLoopback } from './loopback.ts';
import { takeProof } from './proof.ts';
import { Refusal, serverError } from './refusal.ts';
import { cannotListen, type Running } from './running.ts';
import type { Ingress, Log, Proof } from './session.ts';
import { refuseTarget } from './target.ts';
import type { Tls } from './tls.ts';
import { clearSocketPath, openToGroup } from './unix-socket.ts';
import { refuseUnreadable } from './unreadable.ts';
import { openSockets, type SocketIngress, wantsSocket } from './websocket.ts';

/** A host and a port (0 is any free one), or a unix socket. */
type Address = { host: string; port: number } | { path: string };

type Incoming = Pick<IncomingMessage, 'headers'>;

/** What may change while an HTTP server runs. */
export interface HttpLimits {
  /** The largest WebSocket message, in bytes: slightly above the handler's own limit, whose error is more helpful. */
  message?: number | undefined;
  /** What proves that a request comes from our Envoy: DNS rebinding cannot show it, nor can a stranger. No request keeps it. */
  proof?: Proof | undefined;
  /** Connections per address. Default: no limit. */
  connections?: number | undefined;
  /** How long a draining server still accepts requests, in milliseconds. Default: 0. */
  linger?: number | undefined;
  /** How long a client may leave its reply unread before its connection is closed, in milliseconds. */
  unread?: number | undefined;
}

/** What an HTTP server serves, and where. */
export type HttpOptions = Address &
  HttpLimits & {
    /** The command-line flag of the port, for errors. */
    flag?: string;
    fetch: (request: Request, ingress: Ingress & SocketIngress) => Response | Promise<Response>;
    /** Whether other processes may listen on the same port, among which the kernel shares connections. Default: no. */
    reusePort?: boolean;
    /** Whether web pages can reach it by DNS rebinding. Default: whether it listens on the loopback. */
    rebindable?: boolean;
    /** TLS. Default: plain HTTP. */
    tls?: Tls | undefined;
    /** Whether an Envoy appends the client's address to `x-forwarded-for` of every request. Default: on a unix socket. */
    forwarded?: boolean;
    /**
     * Whether all requests come through an Envoy that says who the client is. Default: on a unix socket, and with the certificate of
     * each client checked.
     */
    vouches?: boolean;
    /** Memory budget for incoming WebSocket messages. */
    memory?: Memory | undefined;
    /** Default: the handler's own log. */
    log?: Log;
  };

const VOUCHED: Partial<Ingress> = Object.freeze({ vouched: Object.freeze({}) });
const PROXIED: Ingress = Object.freeze({ name: 'http', rebindable: false, ...VOUCHED });

/** Default of `unread`, in milliseconds. */
const UNREAD_MS = 60_000;

/** Default of `message`: a MiB above the handler's default. */
const MAX_MESSAGE_BYTES = 33 * 1024 * 1024;

/** How long a connection beyond the limit may take to send the request that gets the 429, in milliseconds. */
const REFUSAL_MS = 5_000;

const OPTIONS = {
  maxHeaderSize: 60 * 1024, // as Envoy takes by default
  // Above the 60 s for which load balancers commonly keep a connection, so that they close it first.
  keepAliveTimeout: 75_000,
  headersTimeout: 60_000,
  // Time to receive a request; nothing here limits a reply, which may stream for hours.
  requestTimeout: 300_000,
  requireHostHeader: false, // Node would refuse without a body; we do so below
};

/**
 * Serves `fetch` on HTTP/1.1, and WebSockets where it accepts them; any other upgrade is an ordinary request. An Error names
 * `flag` for a port that cannot be listened on, or the unix socket.
 */
export async function serveHttp(options: HttpOptions): Promise<Running<HttpLimits>> {
  const path = 'path' in options ? options.path : undefined;
  const { flag = '-http-port', fetch, forwarded = path !== undefined, memory, tls, log = logLine } = options;
  const { vouches = path !== undefined || tls?.clientCa !== undefined } = options;
  let proof: Proof | undefined;
  let linger = 0;
  const replies = new Set<ServerResponse>();
  let draining = false;
  let closing = false;
  let endLinger = () => {};
  let direct: Ingress = { name: 'http', rebindable: true, ...(vouches && VOUCHED) };
  const withProof = new WeakSet<IncomingMessage>();
  const readProof = (incoming: IncomingMessage) => {
    if (proof && takeProof(incoming, proof)) withProof.add(incoming);
  };
  const baseIngress = (incoming: IncomingMessage): Ingress => {
    const proven = withProof.has(incoming);
    return { ...(proven ? PROXIED : direct), peer: peerOf(incoming, forwarded || proven) };
  };

  // Pass on the Response as it is: node-server answers from its own light one without building a real one, as long as nobody
  // touches the body.
  function serve(request: Request, ingress: Ingress & SocketIngress): Response | Promise<Response> {
    try {
      const response = fetch(request, ingress);
      return response instanceof Promise ? response.catch(fail) : response;
    } catch (error) {
      return fail(error);
    }
  }
  function fail(error: unknown): Response {
    const refusal = serverError();
    log('error', refusal.message, { status: refusal.status, error });
    return refusal.toResponse();
  }
  const listener = getRequestListener(
    // HTTP/1.1 is all that is served.
    (request, { incoming, outgoing }) => serve(request, ingressOf(baseIngress(incoming as IncomingMessage), outgoing)),
    { errorHandler: () => new Refusal(400, 400, 'The request line or a header is not valid.').toResponse() },
  );

  const connected = new CallerCount();
  const rejected = new WeakSet<object>();
  const sockets = openSockets(
    MAX_MESSAGE_BYTES,
    (request, ingress, incoming) =>
      rejected.has(incoming.socket)
        ? tooManyConnections().toResponse()
        : serve(request, { ...baseIngress(incoming), ...ingress }),
    { memory },
  );
  const settings = { ...OPTIONS, shouldUpgradeCallback: wantsSocket };
  const certificates = tls && {
    cert: tls.cert,
    key: tls.key,
    ca: tls.clientCa,
    requestCert: tls.clientCa !== undefined,
  };
  const server = certificates ? createTlsServer({ ...settings, ...certificates }) : createServer(settings);
  server.on(tls ? 'secureConnection' : 'connection', (socket: NetSocket) => {
    if (!socket.remoteAddress) return;
    const caller = networkOf(socket.remoteAddress);
    if (connected.isFull(caller)) {
      rejected.add(socket); // its request gets the 429
      socket.setTimeout(REFUSAL_MS, () => socket.destroy());
    } else socket.once('close', connected.hold(caller));
  });
  server.on('request', (incoming, outgoing) => {
    readProof(incoming);
    replies.add(outgoing);
    outgoing.shouldKeepAlive &&= !draining;
    outgoing.once('close', () => {
      replies.delete(outgoing);
      if (closing) server.closeIdleConnections();
    });
    const tooMany = rejected.has(incoming.socket);
    if (tooMany) outgoing.shouldKeepAlive = false;
    if (incoming.httpVersion === '1.0') incoming.headers.host ??= 'localhost'; // HTTP/1.0 has none
    const refusal = tooMany ? tooManyConnections() : refuseTarget(incoming.url ?? '');
    if (refusal) outgoing.writeHead(refusal.status, [...refusal.headers()].flat()).end(refusal.body);
    else if (incoming.method === 'GET' && hasBody(incoming)) {
      readGetBody(incoming, (body) => {
        incoming.url = withBodyInQuery(incoming.url ?? '', body);
        void listener(incoming, outgoing);
      });
    } else void listener(incoming, outgoing);
  });
  server.on('upgrade', (incoming, stream, head) => {
    readProof(incoming);
    sockets.upgrade(incoming, stream, head);
  });
  server.on('clientError', (error, stream) => {
    const hasBegun = [...replies].some(({ socket, headersSent }) => socket === stream && headersSent);
    refuseUnreadable(error, stream, hasBegun);
  });
  server.on('checkExpectation', (_, outgoing: ServerResponse) => {
    const refusal = new Refusal(417, 417, 'The only expectation that can be met is 100-continue.');
    // The body stays unread, so the connection cannot be reused.
    outgoing.setHeaders(refusal.headers()).setHeader('connection', 'close');
    outgoing.writeHead(refusal.status, { 'content-length': refusal.body.length }).end(refusal.body);
  });
  if (path !== undefined) await clearSocketPath(path);
  // The timeout means that nothing moves in either direction, which is also so while the model works: close only with unread
  // data.
  server.on('timeout', (socket) => {
    if (socket.writableLength > 0) socket.destroy();
  });
  setLimits(options);
  await new Promise<void>((resolve, reject) => {
    const at = 'path' in options ? `unix:${options.path}` : `${options.host}:${options.port}`;
    server.once('error', (error) => reject(cannotListen(flag, at, error)));
    server.listen('path' in options ? { path: options.path } : options, resolve); // host, port and reusePort
  });
  server.on('error', (error) => log('error', 'a listener has failed', { error })); // an unhandled error event would end the process
  const address = server.address() as AddressInfo | string; // it listens
  const loopback = typeof address !== 'string' && isLoopback(address.address);
  direct = Object.freeze({ ...direct, rebindable: options.rebindable ?? loopback });
  if (path !== undefined) await openToGroup(path);

  function setLimits(limits: HttpLimits): void {
    ({ proof, linger = 0 } = limits);
    server.setTimeout(limits.unread ?? UNREAD_MS);
    connected.setMax(limits.connections);
    sockets.setMaxPayload(limits.message ?? MAX_MESSAGE_BYTES);
  }
  function stopListening(): Promise<void> {
    closing = true;
    return new Promise((resolve) => server.close(() => resolve()));
  }
  function lingering(): Promise<void> {
    return new Promise((resolve) => {
      endLinger = resolve;
      setTimeout(resolve, linger);
    });
  }
  function cut(): void {
    endLinger();
    server.closeAllConnections();
    sockets.cut();
  }
  function close(): Promise<void> {
    const closed = stopListening();
    cut();
    return closed;
  }
  async function drain(graceMs: number): Promise<void> {
    draining = true;
    for (const outgoing of replies) outgoing.shouldKeepAlive = false; // takes effect where the head has not been sent
    const timer = setTimeout(cut, graceMs);
    if (linger > 0) await lingering();
    sockets.stop();
    await stopListening();
    clearTimeout(timer);
  }
  return {
    port: typeof address === 'string' ? 0 : address.port,
    setLimits,
    drain,
    close,
    get inFlight() {
      return replies.size + sockets.open;
    },
  };
}

function hasBody({ headers }: Incoming): boolean {
  return Number(headers['content-length']) > 0 || headers['transfer-encoding'] !== undefined;
}

/** Calls `then` with the body of a GET, or with the start of a longer one; not at all if the client leaves. */
function readGetBody(incoming: IncomingMessage, then: (body: Uint8Array) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const done = () => {
    incoming.off('data', take).off('end', done).resume();
    then(Buffer.concat(chunks));
  };
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_GET_BODY) done();
  };
  incoming.on('data', take).on('end', done);
}

/** 429 for a request on a connection beyond the limit; the reply closes it. */
function tooManyConnections(): Refusal {
  const message = 'You have as many connections as one caller may have here; close one, or use one of them again.';
  return new Refusal(429, 'rate_limit_exceeded', message, true);
}

/** The ingress of one request. `ended` is called when Node has handed on the whole reply, or the connection is gone. */
function ingressOf(
  ingress: Ingress,
  outgoing: Pick<ServerResponse, 'closed'> & { once(event: 'close', then: () => void): unknown },
): Ingress {
  return { ...ingress, ended: (then) => (outgoing.closed ? then() : void outgoing.once('close', then)) };
}

/** The client's address: of its connection or, behind an Envoy that we know, the last one in `x-forwarded-for`. */
function peerOf({ socket, headers }: IncomingMessage, forwarded: boolean): string | undefined {
  if (!forwarded) return socket.remoteAddress;
  return (
    String(headers['x-forwarded-for'] ?? '')
      .split(',')
      .at(-1)
      ?.trim() || undefined
  );
}
