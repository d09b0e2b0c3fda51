import { isDeepStrictEqual } from 'node:util';
import { newSocketFolder, type SocketFolder } from '../envoy/socket-folder.ts';
import type { SupervisedEnvoy } from '../envoy/supervise.ts';
import {
  createHandler,
  type Database,
  fixedLimits,
  type Handler,
  type HandlerOptions,
  misconfigured,
  Readiness,
  type TelemetrySlot,
} from '../handler/index.ts';
import { telemetrySettings } from '../handler/otlp/settings.ts';
import { openWebSearchWith } from '../handler/tools/web-search/index.ts';
import type { AdminAnswer } from './admin.ts';
import { openAudit } from './audit/open.ts';
import type { BackendReport } from './backends/ask.ts';
import { placed } from './config-file.ts';
import { openDatabase } from './database.ts';
import type { Env } from './default-models.ts';
import { createEgress } from './egress.ts';
import type { Flags } from './flags.ts';
import { libraries, librariesFor } from './libraries.ts';
import { isTcp, type Listeners } from './listeners.ts';
import { createMcp } from './mcp/open.ts';
import { startOwnEnvoy } from './own-envoy.ts';
import { refuseOwnListeners } from './own-listener.ts';
import { createPageReducer } from './pages/page-processes.ts';
import { listenersAt, type Place, socketsIn } from './processes/place.ts';
import { readProgram } from './program-file.ts';
import { Reloader, type Reloads } from './reloader.ts';
import { Servers } from './servers.ts';
import { type ConfigSource, readSetup, type Setup } from './setup.ts';
import { showConfig } from './show-config.ts';
import { type ProductTelemetry, startTelemetry } from './telemetry/telemetry.ts';
import { createTransport } from './transport.ts';

/** The running product: the processor, the handler on plain HTTP, and Envoy unless it is off. */
export interface Product {
  listen: Listeners;
  /** Origin of the HTTP listener; undefined unless it is on TCP. */
  http: string | undefined;
  /** Source of the models, in words. */
  from: string;
  /** The database, as the configuration names it. */
  store: string;
  /** The first model name that is no pattern. */
  model: string | undefined;
  envoy: SupervisedEnvoy | undefined;
  /**
   * Asks the server of each backend for its models, for at most seven seconds. It never rejects: whatever happens is in the
   * reports, one for each entry of `models`. A reload that changes those asks by itself, and logs what came.
   */
  askBackends(): Promise<BackendReport[]>;
  /** How long `stop` waits for requests in flight, in milliseconds. */
  readonly drain: number;
  /**
   * Reads the configuration's file again, or takes another configuration in place of the root's. Rejects with an Error that says what is
   * wrong, and changes nothing. What needs a restart is named in the log. A file that changes is read again without it.
   */
  reload(config?: object): Promise<void>;
  /** What reloads have come to, those of changed files included. */
  readonly reloads: Readonly<Reloads>;
  /** Requests in flight, open WebSockets and background turns included. */
  readonly inFlight: number;
  /**
   * Stops accepting requests, lets those in flight finish for at most `limits.drain`, ends the rest as failed, and closes
   * everything.
   */
  stop(): Promise<void>;
  /** Cuts the waiting of `stop` short, once it was called. */
  cut(): Promise<void>;
}

/** Options of a custom root, beside the configuration. */
export interface ProductOptions
  extends Pick<HandlerOptions, 'tools' | 'functions' | 'hooks' | 'openTools' | 'backends' | 'identify'> {
  /** Flags of the command line. */
  flags?: Partial<Omit<Flags, 'command' | 'keys' | 'help' | 'version'>>;
  /** The configuration, with the keys of the file, in place of `flags.config`. */
  config?: object;
  /** Source of `${NAME}` in the configuration. Default: the environment of the process. */
  env?: Env;
  /** How many lines of the log could not be written, for metrics. */
  droppedLines?: () => number;
  /** Progress messages for people. */
  say?: (line: string) => void;
  /** Replaces the configured database; it must be migrated, and `stop` closes it. */
  database?: Database;
}

/** A start of which the configuration has been read. */
export interface Start {
  options: ProductOptions;
  setup: Setup;
  source: ConfigSource;
  /** The files that the configuration was read from, with what they held. */
  filesRead: ReadonlyMap<string, string>;
}

/** Reads the configuration of a start; throws an Error with every mistake in it. */
export async function readStart(options: ProductOptions): Promise<Start> {
  const { flags = {}, config, env = process.env } = options;
  const backends = Object.keys(options.backends ?? {});
  // Whoever starts it without any configuration tries it out, and wants to know what the model's server says.
  const source = { file: flags.config, inline: config ?? { errorDetail: true }, env, backends };
  const filesRead = new Map<string, string>();
  const setup = await readSetup({ ...source, filesRead }, flags);
  return { options, setup, source, filesRead };
}

/** The same start with what the program's file beside its configuration has; throws an Error with every mistake in that. */
export async function withProgram(start: Start): Promise<Start> {
  const program = await readProgram(start.source.file);
  return { ...start, options: { ...start.options, ...program } };
}

/** Starts everything, or nothing: throws an Error that says what is wrong. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const start = await readStart(options);
  const { processes } = start.setup.config;
  if (processes > 1) {
    throw misconfigured(
      'processes',
      `is ${processes}, which the command alone starts: start your own program as often`,
    );
  }
  return startProcess(start);
}

/** Starts the only process, or the one at a place; throws an Error that says what is wrong, and leaves nothing. */
export async function startProcess(
  { options, setup: started, source, filesRead }: Start,
  place?: Place,
): Promise<Product> {
  const { flags = {}, config: _config, env: _env, say = () => {}, database: custom, droppedLines, ...added } = options;
  const { config, file, models, from, tls, database: urls } = started;
  const listen = place ? listenersAt(started.listen, place) : started.listen;
  const settings = telemetrySettings(process.env);
  const slot: TelemetrySlot = {};
  let { limits } = config;
  const store = custom ? 'a database of the root' : urls.url;
  const readiness = place?.readiness ?? new Readiness();
  const database =
    custom ?? (await openDatabase(urls, config.synchronous, (what, holds) => readiness.set(what, holds)));
  const audit = await openAudit(config.audit, (holds) => readiness.note('audit', holds)).catch(async (error) => {
    await database.close();
    throw error;
  });
  const { transport, close: closeTransport } = createTransport();
  const { connect: egress, close: closeEgress } = createEgress();
  const { openMcp, close: closeMcp } = createMcp();
  const { reduce, close: closePages } = createPageReducer();
  let handler: Handler;
  try {
    handler = await placed(file, async () =>
      createHandler({
        ...added,
        config: { ...config, models },
        transport,
        egress,
        database,
        ...libraries,
        openTools: [openWebSearchWith(reduce), openMcp, ...(added.openTools ?? [])],
        ...(await librariesFor(config, added.identify)),
        readiness,
        audit: audit?.audit,
        telemetry: slot,
      }),
    );
    await placed(file, () => handler.check());
  } catch (error) {
    await Promise.all([closeTransport(), closeEgress(), closeMcp(), closePages(), database.close(), audit?.close()]);
    throw error;
  }
  const servers = new Servers(handler);
  let telemetry: ProductTelemetry | undefined;
  let sockets: SocketFolder | undefined;
  let newest = started;
  let isClosing = false;
  let reloader: Reloader | undefined;
  handler.maintain();
  const close = async () => {
    reloader?.close();
    await sockets?.remove();
    await telemetry?.close();
    await Promise.all([closeTransport(), closeEgress(), closeMcp(), closePages()]);
    await database.close();
    await audit?.close();
  };
  try {
    const { fetch, gauges } = handler;
    const reloads = () => {
      const { taken = 0, failed = 0, ok = true } = reloader?.reloads ?? {};
      return { taken, refused: failed, accepted: ok };
    };
    telemetry = await startTelemetry(settings, {
      slot,
      config: config.telemetry,
      gauges,
      droppedLines,
      reloads,
      lostEvents: audit && (() => audit.lost),
    });
    const { scrape } = telemetry;
    const admin = new Map<string, AdminAnswer>([
      ['/livez', fetch],
      ['/readyz', fetch],
      ['/config', () => showConfig(newest.config, newest.models)],
    ]);
    if (scrape) admin.set('/metrics', scrape);
    await servers.open({ setup: started, listen, admin, reusePort: place !== undefined });
    let envoy: SupervisedEnvoy | undefined;
    if (started.listen.envoy !== 'off') {
      if (!place) sockets = await newSocketFolder();
      const processor = socketsIn(place?.folder ?? sockets?.path ?? '', place?.number);
      await servers.openToOwnEnvoy(config, processor, !place);
      const onChange = (isRunning: boolean) => readiness.set('envoy', !isRunning);
      if (!place) envoy = await startOwnEnvoy({ listen: listen.envoy, processors: [processor], say, onChange });
    }
    let told = Promise.resolve();
    const askBackends = async ({ config, models }: Setup) => {
      const { askBackends, IN_CONFIG, IN_ENVIRONMENT } = await import('./backends/ask.ts');
      return askBackends(models, transport, config.models ? IN_CONFIG : IN_ENVIRONMENT);
    };
    const tellBackends = async (setup: Setup) => {
      if (newest !== setup) return;
      const reports = await askBackends(setup);
      if (newest === setup && !isClosing) (await import('./backends/log-reports.ts')).logReports(reports);
    };
    const take = async (setup: Setup) => {
      const { config, models } = setup;
      refuseOwnListeners(models, Object.values(started.listen).filter(isTcp));
      if (!isDeepStrictEqual(config.secrets, newest.config.secrets)) await handler.check(config);
      handler.reload({ ...config, models });
      ({ limits } = config);
      servers.setLimits(config);
      const areSame = isDeepStrictEqual(models, newest.models);
      newest = setup;
      if (!areSame && (place?.number ?? 1) === 1) told = told.then(() => tellBackends(setup));
    };
    const reloading = new Reloader({ source, flags, started, filesRead, take, readiness });
    reloader = reloading;
    return {
      listen,
      http: isTcp(listen.http) ? `${tls.http ? 'https' : 'http'}://${listen.http}` : undefined,
      from,
      store,
      model: models.find(({ match }) => !match.includes('*'))?.match,
      envoy,
      askBackends: () => askBackends(newest),
      get drain() {
        return limits.drain;
      },
      reload: (config) => reloading.reload(config),
      reloads: reloading.reloads,
      get inFlight() {
        return servers.inFlight + handler.backgroundTurns;
      },
      async stop() {
        isClosing = true;
        readiness.set('draining', true);
        reloading.close();
        const timeoutMs = limits.drain + fixedLimits.ending;
        const drained = servers.drain(timeoutMs);
        await handler.close(limits.drain, drained);
        await drained;
        await envoy?.stop();
        await servers.closeAdmin(); // until here it reports draining
        await close();
      },
      async cut() {
        await handler.close(0);
        setTimeout(() => void servers.cut(), fixedLimits.ending).unref();
      },
    };
  } catch (error) {
    await Promise.all([servers.cut(), servers.closeAdmin()]);
    await handler.close(0);
    await close();
    throw error;
  }
}
