import { configureLog, describe, levelNames, log } from '../handler/index.ts';
import type { Flags } from './flags.ts';
import type { Product } from './product.ts';
import { onSignals } from './signals.ts';

/** What is served until signals end it: one process, or several. */
export type Served = Pick<
  Product,
  'listen' | 'http' | 'from' | 'store' | 'model' | 'envoy' | 'askBackends' | 'drain'
> & {
  /** Requests in flight; undefined where only other processes know. */
  inFlight: number | undefined;
  reload(): Promise<void>;
  stop(): Promise<void>;
  cut(): Promise<void>;
};

/** How a process serves. */
export interface ServeOptions {
  flags: Pick<Flags, 'logLevel'>;
  /** Writes lines of the log. */
  write(line: string): void;
  /** Writes messages for people. */
  say(line: string): void;
  start(): Promise<Served>;
  /** Ends the process once all is written. */
  exit(code: number): Promise<never>;
}

/** A process that serves. */
export interface Serving {
  served: Served;
  /** Whether it stops, or has stopped. */
  isOver(): boolean;
  /** Drains, and then ends the process with this code. A second call changes nothing. */
  stop(code: number): Promise<void>;
}

/**
 * Serves until signals end it. The log and all that libraries print goes to `write`. Rejects with an Error that says what is wrong, and
 * then nothing has been started.
 */
export async function serve({ flags, write, say, start, exit }: ServeOptions): Promise<Serving> {
  configureLog(flags.logLevel ?? 'info', write);
  // Redirect what libraries print to the log, which redacts secrets.
  for (const level of levelNames)
    console[level] = (...parts) => log[level]('printed', { error: parts.map(describe).join(' ') });
  let stopping = false;
  const served = await start();

  async function stop(code: number): Promise<void> {
    if (stopping) return;
    stopping = true;
    const { drain, inFlight } = served;
    const requests = inFlight === undefined ? '' : inFlight === 1 ? '1 request, ' : `${inFlight} requests, `;
    say(`draining: ${requests}${drain / 1000} s at most; again to cut`);
    log.info('draining', inFlight === undefined ? {} : { requests: inFlight });
    try {
      await served.stop();
    } catch (error) {
      log.error('cannot stop in order', { error: describe(error) });
      await exit(1);
    }
    await exit(code);
  }
  const reload = () => void served.reload().catch(() => {}); // the log says why
  onSignals([() => void stop(0), () => void served.cut(), () => process.exit(1)], reload);
  process.on('unhandledRejection', (error) => log.error('unhandled rejection', { error: describe(error) }));
  process.on('uncaughtException', (error) => {
    log.error('uncaught exception', { error: describe(error) });
    void stop(1);
  });
  return { served, isOver: () => stopping, stop };
}
