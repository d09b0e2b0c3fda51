/** Joins what is written in one tick into one message: on grpc-js that is five times the events a second. */
export interface Coalescer {
  /** Takes a chunk, never split; the promise, when there is one, must be awaited before the next. */
  add(chunk: Uint8Array): Promise<void> | undefined;
  /** Sends what is left now. */
  flush(): void;
  /** Sends what is left, even nothing, as the last. */
  finish(): void;
}

/** How long in ms the line must have been quiet for a chunk to go with its tick, and the longest that it waits else. */
const QUIET_MS = 2;

/** Bytes at which waiting gains nothing any more: the largest message that processing_mode.proto recommends. */
const MAX_MESSAGE_BYTES = 64 * 1024;

/**
 * A Coalescer over `send`, which resolves when more may be sent. After a quiet moment a chunk leaves with the tick that
 * made it (nextTick runs once the microtasks that make its siblings are done), so a slow producer loses no time; in a
 * fast run messages leave every 2 ms.
 */
export function coalesce(send: (bytes: Uint8Array, last: boolean) => Promise<void>): Coalescer {
  let chunks: Uint8Array[] = [];
  let size = 0;
  let scheduled = false;
  let lastSent = Number.NEGATIVE_INFINITY;
  let sending: Promise<void> | undefined;

  function sendNow(last: boolean): Promise<void> {
    const [only] = chunks;
    const bytes = chunks.length === 1 && only ? only : Buffer.concat(chunks, size);
    chunks = [];
    size = 0;
    lastSent = performance.now();
    const current: Promise<void> = send(bytes, last).then(() => {
      if (sending === current) sending = undefined;
    });
    sending = current;
    return current;
  }

  function flush(): void {
    scheduled = false;
    if (size > 0) sendNow(false);
  }

  return {
    flush,
    finish: () => void sendNow(true),
    add(chunk) {
      if (chunk.length === 0) return sending;
      chunks.push(chunk);
      size += chunk.length;
      if (size >= MAX_MESSAGE_BYTES) return sendNow(false);
      if (!scheduled) {
        scheduled = true;
        if (performance.now() - lastSent > QUIET_MS) process.nextTick(flush);
        else setTimeout(flush, QUIET_MS);
      }
      return sending;
    },
  };
}
