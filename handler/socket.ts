/** An open WebSocket, whatever the runtime calls it. Nothing here throws or rejects, not even after it has closed. */
export interface Socket {
  /**
   * What the client sends, in its order; anything but a text was a binary message. Ends when the connection has closed,
   * whoever closed it.
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
