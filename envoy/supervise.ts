import { setTimeout as sleep } from 'node:timers/promises';
import { type EnvoyOptions, type RunningEnvoy, startEnvoy } from './run.ts';

/** Backoff before Envoy is restarted: doubles with each death, up to the maximum. */
const MIN_WAIT_MS = 100;
const MAX_WAIT_MS = 30_000;
/** Uptime after which the backoff starts over. */
const STEADY_MS = 60_000;

/** Callbacks for the deaths and restarts of Envoy; `code` is null after a signal. */
export interface EnvoyEvents {
  exited(code: number | null): void;
  failed(error: unknown, nextMs: number): void;
  running(adminSocket: string): void;
}

/** A supervised Envoy; `stop` returns when none is left. */
export interface SupervisedEnvoy {
  origin: string;
  /** The unix socket of the admin interface of the first; each that is started again has its own. */
  adminSocket: string;
  stop(): Promise<void>;
}

/** Starts Envoy like `startEnvoy`, with the same errors, and restarts it until it is stopped. */
export async function superviseEnvoy(options: EnvoyOptions, events: EnvoyEvents): Promise<SupervisedEnvoy> {
  const stopping = new AbortController();
  const { signal } = stopping;
  let envoy: RunningEnvoy | undefined = await startEnvoy({ ...options, signal });
  const { origin, adminSocket } = envoy;

  async function supervise(first: RunningEnvoy): Promise<void> {
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
          events.running(started.adminSocket);
          return started;
        } catch (error) {
          signal.throwIfAborted();
          events.failed(error, wait);
        }
      }
    }
  }
  // Rejects only when it was stopped during a backoff or a start.
  const supervision = supervise(envoy).catch(() => {});
  return {
    origin,
    adminSocket,
    async stop() {
      stopping.abort();
      await envoy?.stop();
      await supervision;
    },
  };
}
