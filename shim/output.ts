import type { Writable } from 'node:stream';
import { fixedLimits } from '../handler/index.ts';

/** A line writer over a stream that may fail. */
export interface Output {
  /** Writes a line, or drops and counts it; never throws, and never waits for a reader. */
  write(line: string): void;
  /** How many lines were dropped since the start. */
  readonly dropped: number;
  /** Resolves when all lines are handed over, or after a second: a reader that is later never reads them. */
  flush(): Promise<void>;
}

/** Timeout of `flush`, in milliseconds. */
const FLUSH_MS = 1_000;

/**
 * Writes lines to stdout or stderr. Lines that cannot be written (a closed pipe, a full disk), and those beyond
 * `fixedLimits.unsentLog` in front of a slow reader, are dropped; `notice` words how many, before the next line that can be
 * written.
 */
export function openOutput(stream: Writable, notice: (dropped: number) => string): Output {
  let dropped = 0;
  let droppedInAll = 0;
  const drop = (lines: number) => {
    dropped += lines;
    droppedInAll += lines;
  };
  stream.on('error', () => {}); // each write gets its own error, and without a listener it would end the process
  // Do not block: Node writes to a terminal synchronously, and one that is stopped (Ctrl-S) would stop the process.
  const { _handle } = stream as { _handle?: { setBlocking?(on: boolean): void } }; // a Node internal, where there is one
  _handle?.setBlocking?.(false);
  return {
    write(line) {
      if (stream.writableLength > fixedLimits.unsentLog) {
        drop(1);
        return;
      }
      const before = dropped;
      dropped = 0;
      // Start with a line break: the failed line may have been cut anywhere.
      stream.write(before === 0 ? line : `\n${notice(before)}${line}`, (error) => {
        if (!error) return;
        dropped += before;
        drop(1);
      });
    },
    get dropped() {
      return droppedInAll;
    },
    async flush() {
      for (const until = performance.now() + FLUSH_MS; stream.writableLength > 0 && performance.now() < until; ) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}
