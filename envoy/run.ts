import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EnvoyProcess, launch } from './child.ts';
import { configFor, type Mode, type Processor } from './config.ts';
import { type FindOptions, locateEnvoy, minorOf } from './find.ts';
import { accepts, originOf, reachable, refuseBusy } from './ports.ts';

/** Seen on 1.36 to 1.38: a segmentation fault after clients have left; see README.md. */
const FIRST_STEADY_MINOR = 39;
/** Envoy's first health check may take its 2 s timeout; a loaded machine needs the rest. */
const START_LIMIT_MS = 30_000;
/** Envoy writes its access log in blocks, after 10 s by default: too late for a person, or a test, that reads along. */
const LOG_FLUSH_MS = 100;

/**
 * What to start, before which processor. It listens on loopback unless `host` says otherwise; without `adminPort`, admin
 * takes any free port.
 */
export type EnvoyOptions = FindOptions &
  Processor & {
    mode: Mode;
    envoyPort: number;
    host?: string | undefined;
    adminPort?: number | undefined;
    logLevel?: string | undefined;
    accessLog?: ((line: string) => void) | undefined;
  };

/** A running Envoy: `exited` resolves with its exit code, or null after a signal; `stop` returns when it is gone. */
export interface RunningEnvoy {
  origin: string;
  adminOrigin: string;
  pid: number;
  exited: Promise<number | null>;
  stop(): Promise<void>;
}

/** The path of a usable Envoy binary; downloads one when none is at hand. */
export async function findEnvoy(options: FindOptions = {}): Promise<string> {
  return (await locateEnvoy(options)).path;
}

/** Starts Envoy in front of the processor and resolves when it takes requests. It ends with this process. */
export async function startEnvoy(options: EnvoyOptions): Promise<RunningEnvoy> {
  const { mode, envoyPort, host = '127.0.0.1', adminPort = 0, logLevel = 'warning' } = options;
  // Envoy shares its ports (SO_REUSEPORT): beside another Envoy it would start, and get a part of the connections.
  await refuseBusy(host, envoyPort, "Envoy's port (-envoy-port)");
  await refuseBusy('127.0.0.1', adminPort, "Envoy's admin port");
  const { path, version } = await locateEnvoy(options);
  if (minorOf(version) < FIRST_STEADY_MINOR)
    options.say?.(`Envoy ${version} may crash when clients leave: take 1.39 or later`);
  const config = await configFor(mode, { ...options, host, envoyPort, adminPort }, version);

  const scratch = await mkdtemp(join(tmpdir(), 'antiphon-envoy-'));
  const adminFile = join(scratch, 'admin');
  try {
    const args = ['--config-yaml', config, '--disable-hot-restart', '--log-level', logLevel];
    args.push('--admin-address-path', adminFile, '--file-flush-interval-msec', String(LOG_FLUSH_MS));
    const envoy = launch(path, args, options.accessLog);
    const adminOrigin = await ready(envoy, adminFile, host, envoyPort);
    return { origin: originOf(host, envoyPort), adminOrigin, pid: envoy.pid, exited: envoy.exited, stop: envoy.stop };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Waits for the admin address, its /ready, and the listener; ends an Envoy that does not get there. */
async function ready(envoy: EnvoyProcess, adminFile: string, host: string, port: number): Promise<string> {
  let ended = false;
  void envoy.exited.then(() => (ended = true));
  for (const limit = Date.now() + START_LIMIT_MS; Date.now() < limit && !ended; await sleep(50)) {
    const admin = await readFile(adminFile, 'utf8').catch(() => '');
    if (admin === '' || !(await answersReady(`http://${admin}/ready`))) continue;
    if (await accepts(reachable(host), port)) return `http://${admin}`;
  }
  const why = ended
    ? `ended with ${(await envoy.exited) ?? 'a signal'}`
    : `was not ready after ${START_LIMIT_MS / 1000} s`;
  await envoy.stop();
  throw new Error(`Envoy on port ${port} ${why}: ${envoy.lastWords() || 'it said nothing'}`);
}

async function answersReady(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(1_000) }).then(
    async (answer) => (await answer.text()) !== '' && answer.ok,
    () => false,
  );
}
