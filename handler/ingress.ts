import type { Socket } from './socket.ts';

/** How a request came in, as the root says that serves it. */
export interface Ingress {
  /** Its name, for the log. */
  readonly name?: string;
  /**
   * Whether a web page can reach it by DNS rebinding, as it can whatever listens on the loopback: then Host and Origin are
   * checked. A proxy of somebody else's before it has names of its own.
   */
  readonly rebindable?: boolean;
  /**
   * Answers a request that wants a WebSocket with one; `serve` gets it when it is open, and never rejects. `headers` go out
   * with the answer. Absent where there can be none.
   */
  upgrade?(serve: (socket: Socket) => Promise<void>, headers: Record<string, string>): Response;
  /** Asks a runtime that ends with its request to wait for something beyond it. */
  waitUntil?(work: Promise<unknown>): void;
  /**
   * The address that the client calls from, as the server knows it, with or without a port: never from a header that the
   * client can write.
   */
  readonly peer?: string | undefined;
  /** Calls `then` once, when the reply has been read, or nobody is left to read it. Absent where the runtime does not tell. */
  ended?(then: () => void): void;
}
