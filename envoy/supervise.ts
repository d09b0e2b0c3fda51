import { keepRunning, type ProcessEvents } from './keep-running.ts';
import { type EnvoyOptions, startEnvoy } from './run.ts';

/** Callbacks for the deaths and restarts of Envoy; `running` is told the socket of its admin interface. */
export type EnvoyEvents = ProcessEvents<string>;

/** A supervised Envoy; `stop` returns when none is left. */
export interface SupervisedEnvoy {
  origin: string;
  /** The unix socket of the admin interface of the first; each that is started again has its own. */
  adminSocket: string;
  stop(): Promise<void>;
}

/** Starts Envoy like `startEnvoy`, with the same errors, and restarts it until it is stopped. */
export async function superviseEnvoy(options: EnvoyOptions, events: EnvoyEvents): Promise<SupervisedEnvoy> {
  const { first, stop } = await keepRunning((signal) => startEnvoy({ ...options, signal }), {
    ...events,
    running: ({ adminSocket }) => events.running(adminSocket),
  });
  const { origin, adminSocket } = first;
  return { origin, adminSocket, stop };
}
