import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EnvoyProcess, launch } from './child.ts';
import { configFor, type Mode, type Processors } from './config.ts';
import { type FindOptions, findEnvoy } from './find.ts';
import { type EnvoyLine, LOG_FORMAT } from './log-line.ts';
import { accepts, originOf, reachable, refuseBusy } from './ports.ts';
import { newSocketFolder } from './socket-folder.ts';

/** Timeout of a start: Envoy's first health check may take 2 s, and a loaded machine the rest. */
const START_LIMIT_MS = 30_000;
/** Timeout of the admin interface, which answers in milliseconds. */
const ADMIN_LIMIT_MS = 1_000;
/** Flush interval of the access log: the default of 10 s is too late for a person, or a test, that reads along. */
const LOG_FLUSH_MS = 100;

/**
 * Options of an Envoy and its processors. Listens on the loopback unless `host` says otherwise. A start that `signal` aborts
 * fails, and leaves no process.
 */
export type EnvoyOptions = FindOptions &
  Processors & {
    mode: Mode;
    envoyPort: number;
    host?: string | undefined;
    logLevel?: string | undefined;
    accessLog?: ((line: string) => void) | undefined;
    /** Takes the lines of Envoy's own log; else they go to our stderr. */
    ownLog?: ((line: EnvoyLine) => void) | undefined;
    signal?: AbortSignal | undefined;
  };

/** A running Envoy: `exited` resolves with its exit code, or null after a signal; `stop` returns when it is gone. */
export interface RunningEnvoy {
  origin: string;
  /** The unix socket of the admin interface, in a folder that only this user can enter. */
  adminSocket: string;
  /** GETs a path of the admin interface. */
  admin(path: string): Promise<string>;
  pid: number;
  exited: Promise<number | null>;
  stop(): Promise<void>;
}

/** Starts Envoy in front of its processors; resolves when it accepts requests. It ends with this process. */
export async function startEnvoy(options: EnvoyOptions): Promise<RunningEnvoy> {
  const { mode, envoyPort, host = '127.0.0.1', logLevel = 'warning' } = options;
  // Check the port first: with SO_REUSEPORT a second Envoy would start beside another, and get part of its connections.
  await refuseBusy(host, envoyPort, "Envoy's port (-envoy-port)");
  const { path, version } = await findEnvoy(options);
  options.signal?.throwIfAborted();

  const folder = await newSocketFolder();
  const adminSocket = join(folder.path, 'admin');
  try {
    const config = await configFor(mode, { ...options, host, adminSocket }, version);
    const args = ['--config-yaml', config, '--disable-hot-restart', '--log-level', logLevel];
    args.push('--file-flush-interval-msec', String(LOG_FLUSH_MS));
    if (options.ownLog) args.push('--log-format', LOG_FORMAT);
    const envoy = launch(path, args, options.accessLog, options.ownLog);
    const exited = envoy.exited.then(async (code) => {
      await folder.remove();
      return code;
    });
    await ready(envoy, adminSocket, options);
    const stop = async () => {
      await envoy.stop();
      await exited;
    };
    return {
      origin: originOf(host, envoyPort),
      adminSocket,
      admin: (path) => ask(adminSocket, path),
      pid: envoy.pid,
      exited,
      stop,
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

/** Waits for the admin interface, its /ready, and the listener; stops an Envoy that does not become ready. */
async function ready(envoy: EnvoyProcess, adminSocket: string, options: EnvoyOptions): Promise<void> {
  const { host = '127.0.0.1', envoyPort, signal } = options;
  let hasExited = false;
  void envoy.exited.then(() => (hasExited = true));
  for (
    const limit = Date.now() + START_LIMIT_MS;
    Date.now() < limit && !hasExited && !signal?.aborted;
    await sleep(50)
  ) {
    const state = await ask(adminSocket, '/ready').catch(() => '');
    if (state.startsWith('LIVE') && (await accepts(reachable(host), envoyPort))) return;
  }
  const why = hasExited
    ? `ended with ${(await envoy.exited) ?? 'a signal'}`
    : signal?.aborted
      ? 'was not wanted any more'
      : `was not ready after ${START_LIMIT_MS / 1000} s`;
  await envoy.stop();
  throw new Error(`Envoy on port ${envoyPort} ${why}: ${envoy.lastLogLine() || 'it said nothing'}`);
}

/** GETs a path over a unix socket; a timeout is an Error. */
function ask(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const get = request({ socketPath, path, timeout: ADMIN_LIMIT_MS }, (reply) => {
      text(reply).then(resolve, reject);
    });
    get.on('timeout', () => get.destroy(new Error('Envoy does not answer'))).on('error', reject);
    get.end();
  });
}
