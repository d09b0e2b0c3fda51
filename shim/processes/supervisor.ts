import { once } from 'node:events';
import { type KeptProcess, keepRunning } from '../../envoy/keep-running.ts';
import { refuseBusy } from '../../envoy/ports.ts';
import { newSocketFolder } from '../../envoy/socket-folder.ts';
import type { SupervisedEnvoy } from '../../envoy/supervise.ts';
import { describe, fixedLimits, keepSecrets, log } from '../../handler/index.ts';
import { adminFetch } from '../admin.ts';
import { serveHttp } from '../http.ts';
import { addressOf, hostAndPort, isTcp } from '../listeners.ts';
import type { Output } from '../output.ts';
import { startOwnEnvoy } from '../own-envoy.ts';
import type { Start } from '../product.ts';
import type { Running } from '../running.ts';
import type { Served } from '../serve.ts';
import { adminRoutes } from './admin.ts';
import { type Child, startChild } from './child-process.ts';
import { adminSocketIn, listenersAt, socketsIn } from './place.ts';

/** What a supervisor is started with. */
export interface SupervisorOptions {
  /** The command line, which each process gets. */
  args: readonly string[];
  /** Takes the log of all. */
  stdout: Output;
  /** A log line as it is written; undefined for one that stays as it is. */
  format: ((line: string) => string) | undefined;
  say(line: string): void;
}

/** How long processes may take to end once they are cut, in milliseconds, before they are killed. */
const CUT_MS = fixedLimits.ending + 5_000;

/**
 * Starts the processes of a configuration, an Envoy before them and one admin listener for all; each that dies is started again. This
 * process takes no requests. Rejects with an Error that says what is wrong, once for all, and then none is left.
 */
export async function startProcesses({ setup }: Start, options: SupervisorOptions): Promise<Served> {
  const { config, listen, models, from, database, tls } = setup;
  const { args, stdout, format, say } = options;
  keepSecrets(config);
  if (isTcp(listen.http)) {
    // A port that can be shared would be shared with whoever else is there.
    await refuseBusy(...hostAndPort(listen.http), 'the HTTP port (-http-port)');
  }
  const folder = await newSocketFolder();
  const numbers = Array.from({ length: config.processes }, (_, index) => index + 1);
  const children = new Map<number, Child>();
  let kept: KeptProcess<Child>[] = [];
  let admin: Running | undefined;
  let envoy: SupervisedEnvoy | undefined;
  let isEnvoyDown = false;
  let isStopping = false;

  const write = (lines: string) => {
    for (const line of format ? lines.split(/(?<=\n)/) : [lines]) stdout.write(format?.(line) ?? line);
    return !process.stdout.writableNeedDrain;
  };
  const room = () => once(process.stdout, 'drain');
  const isRunning = (number: number, child: Child) => {
    children.set(number, child);
    if (isEnvoyDown) child.tell({ envoy: false });
    if (isStopping) child.kill('SIGTERM');
  };
  const keep = (number: number) =>
    keepRunning(
      async (signal) => {
        const child = await startChild({ number, folder: folder.path, args, write, room, signal });
        isRunning(number, child);
        return child;
      },
      {
        exited(code) {
          children.delete(number);
          log.error('a process has exited', { process: number, code });
        },
        failed: (error, again_ms) =>
          log.error('cannot start a process', { process: number, error: describe(error), again_ms }),
        running: () => log.info('a process is running again', { process: number }),
      },
    );
  const stopAll = async () => {
    isStopping = true;
    await Promise.all(kept.map((process) => process.stop()));
    await envoy?.stop();
    await admin?.close(); // until here it says what they say
    await folder.remove();
  };
  try {
    const started = await Promise.allSettled(numbers.map(keep));
    kept = started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    for (const start of started) if (start.status === 'rejected') throw start.reason;
    if (listen.admin !== 'off') {
      const sockets = new Map(numbers.map((number) => [number, adminSocketIn(folder.path, number)]));
      const fetch = adminFetch(adminRoutes(sockets));
      admin = await serveHttp({ ...addressOf(listen.admin), flag: '-admin-port', fetch });
    }
    if (listen.envoy !== 'off') {
      const processors = numbers.map((number) => socketsIn(folder.path, number));
      const onChange = (isRunning: boolean) => {
        isEnvoyDown = !isRunning;
        for (const child of children.values()) child.tell({ envoy: isRunning });
      };
      envoy = await startOwnEnvoy({ listen: listen.envoy, processors, say, onChange });
    }
  } catch (error) {
    await stopAll();
    throw error;
  }
  const last = listenersAt(listen, { number: config.processes, folder: folder.path });
  return {
    listen: { ...listen, grpc: listen.grpc === 'off' ? 'off' : `${listen.grpc} to ${last.grpc}` },
    http: isTcp(listen.http) ? `${tls.http ? 'https' : 'http'}://${listen.http}` : undefined,
    from,
    store: `${database.url}, by ${config.processes} processes`,
    model: models.find(({ match }) => !match.includes('*'))?.match,
    envoy,
    async askBackends() {
      const [{ askBackends, IN_CONFIG, IN_ENVIRONMENT }, { createTransport }] = await Promise.all([
        import('../backends/ask.ts'),
        import('../transport.ts'),
      ]);
      const { transport, close } = createTransport();
      const reports = await askBackends(models, transport, config.models ? IN_CONFIG : IN_ENVIRONMENT);
      await close();
      return reports;
    },
    drain: config.limits.drain,
    inFlight: undefined,
    async reload() {
      for (const child of children.values()) child.kill('SIGHUP');
    },
    stop: stopAll,
    async cut() {
      for (const child of children.values()) child.kill('SIGTERM');
      setTimeout(() => {
        for (const child of children.values()) child.kill('SIGKILL');
      }, CUT_MS).unref();
    },
  };
}
