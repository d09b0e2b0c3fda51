import { on } from 'node:events';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Ingress, Socket } from '../handler/index.ts';
import { BodyMemory, type Memory } from './body-memory.ts';
import { Refusal } from './refusal.ts';
import { refuseTarget } from './target.ts';

/** The part of an ingress that allows WebSockets. */
export type SocketIngress = Pick<Ingress, 'upgrade'>;

/** The WebSockets of one HTTP server. */
export interface Sockets {
  /** Handles the `upgrade` event of a server: opens a WebSocket if `fetch` accepts it, else sends its Response. */
  upgrade(incoming: IncomingMessage, stream: Duplex, head: Buffer): void;
  /** Changes the limit of messages, for WebSockets that are opened from now on. */
  setMaxPayload(bytes: number): void;
  /** Number of open WebSockets. */
  readonly open: number;
  /** Closes each as soon as no turn runs on it. */
  stop(): void;
  /** Cuts all at once. */
  cut(): void;
}

/** High-water mark of the send buffer in bytes: beyond it, sending waits. */
const HIGH_WATER_MARK = 64 * 1024;

/** How long a client may be silent (no pong, nothing read) before it counts as gone, in milliseconds. */
const SILENCE_MS = 60_000;

/** Whether a request is a WebSocket handshake. Java's client offers h2c with every request, which is to be served as HTTP. */
export function wantsSocket({ method, headers }: IncomingMessage): boolean {
  const isSupported = headers['sec-websocket-key'] !== undefined && headers['sec-websocket-version'] === '13';
  return method === 'GET' && isSupported && headers.upgrade?.toLowerCase() === 'websocket';
}

/** Opens WebSockets for requests that `fetch` accepts; messages have at most `maxPayload` bytes, reserved in `memory`. */
export function openSockets(
  maxPayload: number,
  fetch: (request: Request, ingress: SocketIngress, incoming: IncomingMessage) => Response | Promise<Response>,
  { silence = SILENCE_MS, memory }: { silence?: number; memory?: Memory | undefined } = {},
): Sockets {
  // No compression: it takes 300 KiB a connection, and gains little on small events.
  const server = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false, autoPong: false });
  const replyHeaders = new WeakMap<IncomingMessage, Record<string, string>>();
  server.on('headers', (lines, incoming) => {
    for (const [name, value] of Object.entries(replyHeaders.get(incoming) ?? {})) lines.push(`${name}: ${value}`);
  });
  // Handshake errors that ws finds late, such as a key of the wrong length.
  server.on('wsClientError', (_, stream, incoming) => {
    const refusal = new Refusal(400, 400, 'The handshake of the WebSocket is not valid.');
    void refuse(incoming, stream, refusal.toResponse()).catch(() => stream.destroy());
  });
  const stopping = new AbortController();

  async function open(incoming: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    let serve: ((socket: Socket) => Promise<void>) | undefined;
    const upgrade: NonNullable<SocketIngress['upgrade']> = (handler, headers) => {
      serve = handler;
      replyHeaders.set(incoming, headers);
      return new Response();
    };
    const request = toRequest(incoming);
    const reply = request instanceof Refusal ? request.toResponse() : await fetch(request, { upgrade }, incoming);
    if (!serve) return refuse(incoming, stream, reply);
    const start = serve;
    const tcp = stream as NetSocket; // it is one, over TCP
    server.handleUpgrade(incoming, stream, head, (socket) => {
      countBytes(socket, tcp, memory);
      void start({ ...toSocket(socket, tcp), ping: keepAlive(socket, tcp, silence), stopping: stopping.signal });
    });
  }

  return {
    upgrade(incoming, stream, head) {
      stream.on('error', () => {}); // a client may leave meanwhile
      void open(incoming, stream, head).catch(() => stream.destroy());
    },
    setMaxPayload(bytes) {
      server.options.maxPayload = bytes;
    },
    get open() {
      return [...server.clients].filter(({ readyState, OPEN }) => readyState === OPEN).length;
    },
    stop: () => stopping.abort(),
    cut() {
      for (const socket of server.clients) socket.terminate();
    },
  };
}

function toRequest({ url = '', headers, headersDistinct }: IncomingMessage): Request | Refusal {
  const refusal = refuseTarget(url);
  if (refusal) return refusal;
  // Of some headers that come twice Node's `headers` has the first, and a client's own come first.
  const pairs = Object.entries(headersDistinct).map(([name, values]): [string, string] => [
    name,
    String(values?.join(', ')),
  ]);
  try {
    // Concatenate, do not resolve: `//host/v1` is a path and not another host.
    const { origin } = new URL(`http://${headers.host ?? 'localhost'}`);
    return new Request(url.startsWith('/') ? origin + url : url, { headers: pairs });
  } catch {
    return new Refusal(400, 400, 'The request line or a header is not valid.');
  }
}

/** Replies over a connection that Node has handed over, and closes it: Node reads no further request from it. */
async function refuse(incoming: IncomingMessage, stream: Duplex, reply: Response): Promise<void> {
  const body = Buffer.from(await reply.arrayBuffer());
  const outgoing = new ServerResponse(incoming);
  outgoing.assignSocket(stream as NetSocket); // it is one, over TCP
  outgoing.once('finish', () => stream.end());
  const headers = { ...Object.fromEntries(reply.headers), 'content-length': body.length, connection: 'close' };
  outgoing.writeHead(reply.status, headers).end(body);
}

function toSocket(socket: WebSocket, stream: NetSocket): Socket {
  const messages = on(socket, 'message', { close: ['close'] });
  socket.on('error', () => {}); // the iteration reports errors while it runs
  let corked = false;
  // Cork: one write per tick gives a third more events a second.
  const gather = () => {
    if (corked) return;
    corked = true;
    stream.cork();
    process.nextTick(() => {
      corked = false;
      stream.uncork();
    });
  };
  // Answer pings only while the client reads: the pongs of a flood would pile up.
  socket.on('ping', (data) => {
    if (socket.bufferedAmount > HIGH_WATER_MARK) return;
    gather();
    socket.pong(data, false, () => {});
  });
  return {
    messages: texts(messages),
    send(text) {
      const { promise, resolve } = Promise.withResolvers<void>();
      gather();
      socket.send(text, () => resolve());
      return socket.bufferedAmount > HIGH_WATER_MARK ? promise : undefined;
    },
    close: (code, reason) => socket.close(code, reason),
  };
}

/** Close code "Try again later": no memory for the message. */
const TRY_AGAIN_LATER = 1013;

/** Time for the client to receive the close frame, in milliseconds: its data is kept meanwhile. */
const CLOSE_MS = 1_000;

/** Bytes of a control frame beside its payload: header and mask. */
const CONTROL_FRAME_BYTES = 6;

/** Reserves memory for incomplete messages, and closes the connection when there is none. */
function countBytes(socket: WebSocket, stream: NetSocket, memory: Memory | undefined): void {
  const body = new BodyMemory(memory);
  let closing = false;
  // Run before ws, which emits the message while it reads its last chunk.
  stream.prependListener('data', (chunk: Buffer) => {
    if (closing || body.take(chunk.length)) return;
    closing = true;
    socket.close(TRY_AGAIN_LATER, 'The server holds as much as its memory allows; try again in a moment.');
    setTimeout(() => socket.terminate(), CLOSE_MS);
  });
  const control = (data: Buffer) => body.forget(CONTROL_FRAME_BYTES + data.length);
  socket.on('message', () => body.close());
  socket.on('ping', control).on('pong', control);
  socket.on('close', () => {
    closing = true;
    body.close();
  });
}

/** Yields text messages as strings; a broken connection ends like a closed one. */
async function* texts(messages: ReturnType<typeof on>): AsyncGenerator<unknown, void> {
  try {
    for await (const [data, binary] of messages) yield binary ? data : data.toString();
  } catch {
    // a protocol error: ws has closed the connection with its code
  }
}

/**
 * Pings a client, and cuts a dead one. A ping queues behind earlier data, so any progress in reading counts as a sign of
 * life.
 */
function keepAlive(socket: WebSocket, stream: NetSocket, silence: number): () => void {
  let lastSign = performance.now();
  let sentBytes = 0;
  const markAlive = () => {
    lastSign = performance.now();
  };
  socket.on('pong', markAlive).on('message', markAlive);
  return () => {
    const now = stream.bytesWritten - stream.writableLength;
    if (now > sentBytes + HIGH_WATER_MARK) markAlive();
    sentBytes = now;
    if (performance.now() - lastSign < silence) socket.ping(() => {});
    else socket.terminate();
  };
}
