import { on } from 'node:events';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Ingress, Socket } from '../handler/index.ts';
import { BodyMemory, type Memory } from './body-memory.ts';
import { Refusal } from './refusal.ts';
import { refuseTarget } from './target.ts';

/** What an ingress on which WebSockets may be opened adds. */
export type SocketIngress = Pick<Ingress, 'upgrade'>;

/** The WebSockets of one HTTP server. */
export interface Sockets {
  /** Listens to a server's `upgrade` event: opens a WebSocket where `fetch` takes it, and else replies with its Response. */
  upgrade(incoming: IncomingMessage, stream: Duplex, head: Buffer): void;
  /** How many are open. */
  readonly open: number;
  /** Has all closed as soon as nothing is made on them any more. */
  stop(): void;
  /** Cuts all at once. */
  cut(): void;
}

/** What may lie in Node's hands before sending waits, in bytes. */
const HIGH_WATER_MARK = 64 * 1024;

/** How long a client may answer no ping and read nothing until it is taken to be gone, in milliseconds. */
const SILENCE_MS = 60_000;

/** Whether a request is the handshake of a WebSocket. Java's client offers h2c with every request, and is to be served. */
export function wantsSocket({ method, headers }: IncomingMessage): boolean {
  const known = headers['sec-websocket-key'] !== undefined && headers['sec-websocket-version'] === '13';
  return method === 'GET' && known && headers.upgrade?.toLowerCase() === 'websocket';
}

/** Opens WebSockets for those requests for which `fetch` wants one; messages have at most so many bytes, taken from `memory`. */
export function openSockets(
  maxPayload: number,
  fetch: (request: Request, ingress: SocketIngress, incoming: IncomingMessage) => Response | Promise<Response>,
  { silence = SILENCE_MS, memory }: { silence?: number; memory?: Memory | undefined } = {},
): Sockets {
  // Compressing takes 300 KiB a connection, and says little where a message is one small event.
  const server = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false, autoPong: false });
  const replyHeaders = new WeakMap<IncomingMessage, Record<string, string>>();
  server.on('headers', (lines, incoming) => {
    for (const [name, value] of Object.entries(replyHeaders.get(incoming) ?? {})) lines.push(`${name}: ${value}`);
  });
  // What ws finds wrong with a handshake only when it makes it, as a key of a wrong length.
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
      stream.on('error', () => {}); // a client that leaves meanwhile
      void open(incoming, stream, head).catch(() => stream.destroy());
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

function toRequest({ url = '', headers }: IncomingMessage): Request | Refusal {
  const refusal = refuseTarget(url);
  if (refusal) return refusal;
  const pairs = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  try {
    // Put together, not resolved: `//host/v1` is a path, and no other host's.
    const { origin } = new URL(`http://${headers.host ?? 'localhost'}`);
    return new Request(url.startsWith('/') ? origin + url : url, { headers: pairs });
  } catch {
    return new Refusal(400, 400, 'The request line or a header is not valid.');
  }
}

/** Replies over a connection that Node has handed over, which is then closed: it can read no further request from it. */
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
  socket.on('error', () => {}); // told by the iteration while it lasts, and of no interest then
  let corked = false;
  // What is sent in one tick goes out in one write: a third more events a second.
  const gather = () => {
    if (corked) return;
    corked = true;
    stream.cork();
    process.nextTick(() => {
      corked = false;
      stream.uncork();
    });
  };
  // As long as the client reads: a pong for each of a flood would be kept for ever.
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

/** "Try again later": what the client was sending found no room. */
const TRY_AGAIN_LATER = 1013;

/** How long a client that is told so has to hear it, in milliseconds: what it sends meanwhile is held. */
const CLOSE_MS = 1_000;

/** The bytes of a client's ping or pong beside its payload: its head and its mask. */
const CONTROL_FRAME_BYTES = 6;

/** Counts what has come of a message that is not whole yet, and closes the connection where there is no room for it. */
function countBytes(socket: WebSocket, stream: NetSocket, memory: Memory | undefined): void {
  const body = new BodyMemory(memory);
  let closing = false;
  // Before ws, which tells of a message while it reads the chunk that ends it.
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

/** Texts as texts; a connection that breaks ends like one that is closed. */
async function* texts(messages: ReturnType<typeof on>): AsyncGenerator<unknown, void> {
  try {
    for await (const [data, binary] of messages) yield binary ? data : data.toString();
  } catch {
    // what ws found wrong with the client's bytes: it has closed the connection with the code for it
  }
}

/** Pings a client, and cuts one that is gone. A ping comes behind all that was sent: who reads slowly answers late. */
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
