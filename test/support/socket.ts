import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Skips } from '../promises/promise.ts';
import type { Door } from './doors/door.ts';
import { checkStream, type Stream, type StreamEvent } from './sse.ts';

/** Doors without WebSockets. */
export const NEEDS_SOCKET: Skips = {
  'in-process': 'a function call has no connection',
  bun: 'Bun has WebSockets of a kind of its own, which nothing of ours opens',
};

/** Any event over a WebSocket: those of a stream, with their lane, and those that are nowhere else. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into what was sent without a schema
export type SocketEvent = any;

/** A client's end of a WebSocket, which reads one event after another. */
export interface TestSocket {
  send(event: object | string | Uint8Array): void;
  /** The next event. Fails when the connection closes instead. */
  next(): Promise<SocketEvent>;
  /** The events of one response until its end, each as it came. */
  events(): Promise<SocketEvent[]>;
  /** Asks for a response, reads it to its end, and holds it to what is true of every stream. */
  create(event: object): Promise<Stream>;
  /** The code with which it was closed. */
  closed: Promise<number>;
  close(): void;
  readonly raw: WebSocket;
}

/** The status with which a WebSocket to `/v1/responses` is refused; undefined where it opens. */
export async function refusedStatus(door: Pick<Door, 'client'>, headers = {}): Promise<number | undefined> {
  const raw = new WebSocket(`${door.client.baseURL.replace('http', 'ws')}/responses`, { headers });
  raw.on('error', () => {}); // it is given up below
  const status = await new Promise<number | undefined>((resolve) => {
    raw.on('unexpected-response', (_, { statusCode }) => resolve(statusCode));
    raw.on('open', () => resolve(undefined));
  });
  raw.terminate();
  return status;
}

const TERMINAL = /^response\.(completed|incomplete|failed)$/;

/** Opens a WebSocket to `/v1/responses`. */
export async function openSocket(door: Pick<Door, 'client'>, headers = {}): Promise<TestSocket> {
  const raw = new WebSocket(`${door.client.baseURL.replace('http', 'ws')}/responses`, { headers });
  const come: SocketEvent[] = [];
  let wake = () => {};
  raw.on('message', (data) => {
    come.push(JSON.parse(String(data)));
    wake();
  });
  const closed = once(raw, 'close').then(([code]) => {
    wake();
    return code;
  });
  await once(raw, 'open');

  async function next(): Promise<SocketEvent> {
    while (come.length === 0) {
      assert.ok(raw.readyState < WebSocket.CLOSING, 'it was closed');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return come.shift();
  }
  async function events(): Promise<SocketEvent[]> {
    const all = [await next()];
    while (!TERMINAL.test(all.at(-1)?.type)) all.push(await next());
    return all;
  }
  const send: TestSocket['send'] = (event) =>
    raw.send(typeof event === 'string' || event instanceof Uint8Array ? event : JSON.stringify(event));
  return {
    raw,
    send,
    next,
    events,
    async create(event) {
      send({ type: 'response.create', input: 'Hi', ...event });
      const stream = streamOf(await events());
      checkStream(stream);
      return stream;
    },
    closed,
    close: () => raw.close(),
  };
}

/** The events of one response as the stream that they would be over HTTP. */
export function streamOf(events: readonly SocketEvent[]): Stream {
  const plain: StreamEvent[] = events.map(({ stream_id: _, ...event }) => event);
  return { events: plain, comments: 0, final: events.at(-1).response };
}

/** Opens a WebSocket for as long as something lasts. */
export async function withSocket(door: Pick<Door, 'client'>, use: (socket: TestSocket) => Promise<void>) {
  const socket = await openSocket(door);
  try {
    await use(socket);
  } finally {
    socket.raw.terminate();
  }
}
