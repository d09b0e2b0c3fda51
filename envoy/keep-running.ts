import { setTimeout as sleep } from 'node:timers/promises';

/** Backoff before a process is started again: doubles with each death, up to the maximum. */
const MIN_WAIT_MS = 100;
const MAX_WAIT_MS = 30_000;
/** Uptime after which the backoff starts over. */
const STEADY_MS = 60_000;

/** A process that runs: `exited` resolves with its exit code, or null after a signal; `stop` returns when it is gone. */
export interface RunningProcess {
  exited: Promise<number | null>;
  stop(): Promise<void>;
}

/** Callbacks for the deaths and restarts of a process; `code` is null after a signal. */
export interface ProcessEvents<T> {
  exited(code: number | null): void;
  failed(error: unknown, nextMs: number): void;
  running(again: T): void;
}

/** A process that is kept running; `stop` returns when none is left. */
export interface KeptProcess<T> {
  first: T;
  stop(): Promise<void>;
}

/** Starts a process, rejecting as `start` does, and starts it again until it is stopped. A start that the signal aborts leaves no process. */
export async function keepRunning<T extends RunningProcess>(
  start: (signal: AbortSignal) => Promise<T>,
  events: ProcessEvents<T>,
): Promise<KeptProcess<T>> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const first = await start(signal);
  let current = first;

  async function supervise(): Promise<void> {
    let wait = MIN_WAIT_MS;
    for (; ; current = await startAgain()) {
      const since = performance.now();
      const code = await current.exited;
      if (signal.aborted) return;
      events.exited(code);
      if (performance.now() - since >= STEADY_MS) wait = MIN_WAIT_MS;
    }

    async function startAgain(): Promise<T> {
      for (;;) {
        await sleep(wait, undefined, { signal });
        wait = Math.min(2 * wait, MAX_WAIT_MS);
        try {
          const started = await start(signal);
          events.running(started);
          return started;
        } catch (error) {
          signal.throwIfAborted();
          events.failed(error, wait);
        }
      }
    }
  }
  // Rejects only when it was stopped during a backoff or a start.
  const supervision = supervise().catch(() => {});
  return {
    first,
    async stop() {
      stopping.abort();
      await current.stop();
      await supervision;
    },
  };
}
