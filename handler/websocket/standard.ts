import type { Socket } from '../socket.ts';

/** As much of a web-standard WebSocket as is used, on the server's side. */
export interface StandardWebSocket {
  readonly bufferedAmount?: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'message' | 'close' | 'error', listener: (event: { data?: unknown }) => void): void;
}

/** Buffered bytes above which sending waits. Runtimes without `bufferedAmount` never wait. */
const HIGH_WATER_MARK = 64 * 1024;

/** The poll interval of the buffer, in milliseconds. */
const POLL_MS = 20;

/** A Socket of a web-standard WebSocket, as Workers and Deno have it. */
export function standardSocket(socket: StandardWebSocket): Socket {
  const queue: unknown[] = [];
  let closed = false;
  let wake = () => {};
  socket.addEventListener('message', ({ data }) => {
    queue.push(data);
    wake();
  });
  const end = () => {
    closed = true;
    wake();
  };
  socket.addEventListener('error', end);
  socket.addEventListener('close', () => {
    close(); // some runtimes leave the answer to the client's closing to us
    end();
  });
  const close = (code?: number, reason?: string) => {
    try {
      socket.close(code, reason);
    } catch {
      // closed already
    }
  };
  const full = () => !closed && (socket.bufferedAmount ?? 0) > HIGH_WATER_MARK;

  async function* messages(): AsyncGenerator<unknown, void> {
    for (;;) {
      while (queue.length > 0) yield queue.shift();
      if (closed) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    messages: messages(),
    close,
    send(text) {
      if (closed) return undefined;
      try {
        socket.send(text);
      } catch {
        return undefined; // it is closing
      }
      return full() ? drained() : undefined;
    },
  };

  async function drained(): Promise<void> {
    while (full()) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
