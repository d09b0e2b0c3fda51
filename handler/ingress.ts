import type { Vouched } from './caller.ts';
import type { Socket } from './socket.ts';
import type { TraceHeaders } from './trace-headers.ts';

/** How a request came in, as the root says that serves it. */
export interface Ingress {
  /** Its name, for the log. */
  readonly name?: string;
  /**
   * Whether DNS rebinding can reach it, as any listener on the loopback: then Host and Origin are checked. Behind
   * somebody else's proxy it is not set.
   */
  readonly rebindable?: boolean;
  /**
   * Upgrades a request to a WebSocket, with these response headers; `serve` gets the open socket, and never rejects.
   * Absent where that is impossible.
   */
  upgrade?(serve: (socket: Socket) => Promise<void>, headers: Record<string, string>): Response;
  /** Asks a runtime that ends with its request to wait for something beyond it. */
  waitUntil?(work: Promise<unknown>): void;
  /**
   * The address that the client calls from, as the server knows it, with or without a port: never from a header that the
   * client can write.
   */
  readonly peer?: string | undefined;
  /** What a proxy that has proved to be ours says of the sender; absent where whoever sends the request could say it himself. */
  readonly vouched?: Vouched | undefined;
  /** The place in a trace of whoever passes the request on, where that is nearer than the one in its headers. */
  readonly trace?: TraceHeaders | undefined;
  /** Calls `then` once, when the reply has been read or its reader has left. Absent if the runtime does not tell. */
  ended?(then: () => void): void;
  /**
   * Takes what is to be told of the request beside its reply: `next` is called beside each part of the reply that is sent, and
   * gives what has changed since, if anything. Absent where nobody hears it.
   */
  report?(next: () => Report | undefined): void;
}

/** What is told of a request beside its reply, by namespace and name. Numbers are whole, or milliseconds. */
export type Report = Readonly<Record<string, Readonly<Record<string, string | number>>>>;
