/** Time that reads may take in one turn of the event loop, in milliseconds, parsing included. */
const SLICE_MS = 10;

/**
 * Spreads concurrent reads over turns of the event loop, so that a crowd of long ones does not block other requests. `defer`
 * postpones work until the loop has looked for new requests. Await the result of the returned function, and call it again
 * until it is undefined: then read.
 */
export function loopTurns(defer: (work: () => void) => void): () => Promise<void> | undefined {
  let began: number | undefined;
  return () => {
    const now = performance.now();
    if (began === undefined) {
      began = now;
      // Timers run before new requests, and deferred work after them, so new requests need not queue behind a crowd.
      setTimeout(() => {
        began = undefined;
      }, 0);
    }
    return now - began < SLICE_MS ? undefined : new Promise((resolve) => defer(resolve));
  };
}
