/** An open WebSocket of any runtime. Its methods never throw or reject, not even when it is closed. */
export interface Socket {
  /**
   * The client's messages in order; anything but a string was binary. Ends when the connection is closed by either
   * side.
   */
  readonly messages: AsyncIterable<unknown>;
  /** Aborts when the server is about to stop: the connection is then closed as soon as no turn is made on it. */
  readonly stopping?: AbortSignal;
  /** Sends a text; resolves when more may be sent, and is undefined when it may be at once, or the connection is gone. */
  send(text: string): Promise<void> | undefined;
  /** Shows proxies that the connection is in use, and finds out whether the client is still there. */
  ping?(): void;
  /** Closes the connection with a code of RFC 6455; `reason` has at most 123 bytes. */
  close(code: number, reason: string): void;
}
