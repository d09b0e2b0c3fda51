/** Joins the chunks of one tick into one message: on grpc-js five times the events a second. */
export interface Coalescer {
  /** Adds a chunk, which is never split; await the promise, if there is one, before the next. */
  add(chunk: Uint8Array): Promise<void> | undefined;
  /** Sends pending chunks now. */
  flush(): void;
  /** Sends pending chunks, even none, as the last message. */
  finish(): void;
}

/** Quiet time in ms after which a chunk goes out with its tick; without it, the longest that a chunk waits. */
const QUIET_MS = 2;

/** Size at which a message goes out at once: the largest that processing_mode.proto recommends. */
const MAX_MESSAGE_BYTES = 64 * 1024;

/**
 * Coalesces chunks for `send`, which resolves when more may be sent. After a quiet moment a chunk leaves with its tick
 * (nextTick runs after the microtasks that make its siblings), so that a slow producer loses no time; in a fast run messages
 * leave every 2 ms.
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
