/** How long the reads of one turn of the event loop may take together, in milliseconds, with what is made of their rows. */
const SLICE_MS = 10;

/**
 * Spreads reads that are run at once over turns of the event loop, so that a crowd of long ones lets everybody else in
 * between. `defer` puts work off until the loop has looked for new requests. What it gives is to be awaited, and asked for
 * again, until it is undefined: then there is room to read.
 */
export function loopTurns(defer: (work: () => void) => void): () => Promise<void> | undefined {
  let began: number | undefined;
  return () => {
    const now = performance.now();
    if (began === undefined) {
      began = now;
      // Timers come before new requests, and deferred work after them: whoever comes new need not queue behind a crowd.
      setTimeout(() => {
        began = undefined;
      }, 0);
    }
    return now - began < SLICE_MS ? undefined : new Promise((resolve) => defer(resolve));
  };
}
