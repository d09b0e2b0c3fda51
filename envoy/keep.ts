import { setTimeout as sleep } from 'node:timers/promises';
import { type EnvoyOptions, type RunningEnvoy, startEnvoy } from './run.ts';

/** The wait before an Envoy that has died is started again; it doubles with each death, up to the greatest. */
const MIN_WAIT_MS = 100;
const MAX_WAIT_MS = 30_000;
/** An Envoy that has run for this long had no fault in its start: the next wait is the first one again. */
const STEADY_MS = 60_000;

/** Who hears of an Envoy's deaths and returns; `code` is null after a signal. */
export interface EnvoyEvents {
  exited(code: number | null): void;
  failed(error: unknown, nextMs: number): void;
  running(): void;
}

/** An Envoy that is started again whenever it ends; `stop` returns when none is left. */
export interface KeptEnvoy {
  origin: string;
  stop(): Promise<void>;
}

/** Starts Envoy as `startEnvoy` does, failing as it does, and then keeps it running until it is stopped. */
export async function keepEnvoy(options: EnvoyOptions, events: EnvoyEvents): Promise<KeptEnvoy> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let envoy: RunningEnvoy | undefined = await startEnvoy({ ...options, signal });
  const { origin } = envoy;

  async function keep(first: RunningEnvoy): Promise<void> {
    let wait = MIN_WAIT_MS;
    for (let current = first; ; current = await startAgain()) {
      envoy = current;
      const since = performance.now();
      const code = await current.exited;
      if (signal.aborted) return;
      events.exited(code);
      if (performance.now() - since >= STEADY_MS) wait = MIN_WAIT_MS;
    }

    async function startAgain(): Promise<RunningEnvoy> {
      for (;;) {
        await sleep(wait, undefined, { signal });
        wait = Math.min(2 * wait, MAX_WAIT_MS);
        try {
          const started = await startEnvoy({ ...options, signal });
          events.running();
          return started;
        } catch (error) {
          signal.throwIfAborted();
          events.failed(error, wait);
        }
      }
    }
  }
  // It rejects only when it was stopped while it waited or started.
  const supervision = keep(envoy).catch(() => {});
  return {
    origin,
    async stop() {
      stopping.abort();
      await envoy?.stop();
      await supervision;
    },
  };
}
