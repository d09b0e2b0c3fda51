import { type SupervisedEnvoy, superviseEnvoy } from '../envoy/supervise.ts';
import { describe, log } from '../handler/index.ts';
import { accessLogger, logEnvoy } from './envoy-log.ts';
import { hostAndPort } from './listeners.ts';
import type { OwnSockets } from './servers.ts';

/** What the Envoy that we start is started with. */
export interface OwnEnvoyOptions {
  /** HOST:PORT. */
  listen: string;
  processors: readonly OwnSockets[];
  say(line: string): void;
  /** Is told whenever it has died, and when it runs again. */
  onChange(isRunning: boolean): void;
}

/** Starts an Envoy before our own processes, and keeps it running. Its log is ours. */
export function startOwnEnvoy({ listen, processors, say, onChange }: OwnEnvoyOptions): Promise<SupervisedEnvoy> {
  const [host, envoyPort] = hostAndPort(listen);
  return superviseEnvoy(
    { mode: 'streamed', processors, host, envoyPort, say, accessLog: accessLogger(), ownLog: logEnvoy },
    {
      exited(code) {
        onChange(false);
        log.error('Envoy has exited', { code });
      },
      failed: (error, again_ms) => log.error('cannot start Envoy', { error: describe(error), again_ms }),
      running(admin) {
        onChange(true);
        log.info('Envoy is running again', { admin });
      },
    },
  );
}
