import type { Writable } from 'node:stream';
import { fixedLimits } from '../handler/index.ts';

/** Lines that go out through a stream which may fail. */
export interface Output {
  /** Writes a line, or drops and counts it; never throws, and never waits for a reader. */
  write(line: string): void;
  /** Resolves when all is handed over, or after a second: whoever does not read by then never will. */
  flush(): Promise<void>;
}

/** How long the last lines may take to be handed over, in milliseconds. */
const FLUSH_MS = 1_000;

/**
 * Lines to stdout or stderr. What cannot be written (a pipe whose reader is gone, a full disk), and what lies beyond
 * `fixedLimits.unsentLog` before a reader who does not read, is dropped; `notice` words how many lines were, for the first
 * one that can be written again.
 */
export function openOutput(stream: Writable, notice: (dropped: number) => string): Output {
  let dropped = 0;
  stream.on('error', () => {}); // each write hears of its own, and without a listener it would end the process
  // A terminal that was stopped (Ctrl-S) would stop all that this process does: Node writes to one synchronously.
  const { _handle } = stream as { _handle?: { setBlocking?(on: boolean): void } }; // Node's own, where it has one
  _handle?.setBlocking?.(false);
  return {
    write(line) {
      if (stream.writableLength > fixedLimits.unsentLog) {
        dropped++;
        return;
      }
      const before = dropped;
      dropped = 0;
      // A line break first: the line that failed may have been cut anywhere.
      stream.write(before === 0 ? line : `\n${notice(before)}${line}`, (error) => {
        if (error) dropped += before + 1;
      });
    },
    async flush() {
      for (const until = performance.now() + FLUSH_MS; stream.writableLength > 0 && performance.now() < until; ) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}
