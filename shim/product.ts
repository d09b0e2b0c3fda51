import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { newSocketFolder, type SocketFolder } from '../envoy/socket-folder.ts';
import { type SupervisedEnvoy, superviseEnvoy } from '../envoy/supervise.ts';
import {
  type Config,
  createHandler,
  type Database,
  describe,
  fixedLimits,
  type Handler,
  type HandlerOptions,
  log,
  Readiness,
  type TelemetrySlot,
} from '../handler/index.ts';
import { telemetrySettings } from '../handler/otlp/settings.ts';
import { type AdminAnswer, adminFetch } from './admin.ts';
import { openAudit } from './audit/open.ts';
import type { BackendReport } from './backends/ask.ts';
import { placed } from './config-file.ts';
import { openDatabase } from './database.ts';
import type { Env } from './default-models.ts';
import { accessLogger, logEnvoy } from './envoy-log.ts';
import type { Flags } from './flags.ts';
import { type HttpLimits, serveHttp } from './http.ts';
import { libraries, librariesFor } from './libraries.ts';
import { addressOf, hostAndPort, isTcp, type Listeners } from './listeners.ts';
import { refuseOwnListeners } from './own-listener.ts';
import { Reloader, type Reloads } from './reloader.ts';
import type { Running } from './running.ts';
import type { GrpcOptions } from './server.ts';
import { sessionLimits } from './session-limits.ts';
import { readSetup, type Setup } from './setup.ts';
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
export interface ProductOptions extends Pick<HandlerOptions, 'tools' | 'backends' | 'identify'> {
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

/** Slack of WebSocket messages over bodies, so that the handler's own error comes first. */
const MESSAGE_SLACK = 1024 * 1024;

/** Starts everything, or nothing: throws an Error that says what is wrong. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const {
    flags = {},
    config: inline,
    env = process.env,
    say = () => {},
    database: customDatabase,
    droppedLines,
    ...added
  } = options;
  // Whoever starts it without any configuration tries it out, and wants to know what the model's server says.
  const backends = Object.keys(added.backends ?? {});
  const source = { file: flags.config, inline: inline ?? { errorDetail: true }, env, backends };
  const filesRead = new Map<string, string>();
  const started = await readSetup({ ...source, filesRead }, flags);
  const { config, file, models, from, listen, tls, database: urls } = started;
  const settings = telemetrySettings(process.env);
  const slot: TelemetrySlot = {};
  let { limits } = config;
  const store = customDatabase ? 'a database of the root' : urls.url;
  const readiness = new Readiness();
  const database =
    customDatabase ?? (await openDatabase(urls, config.synchronous, (what, holds) => readiness.set(what, holds)));
  const audit = await openAudit(config.audit, (holds) => readiness.note('audit', holds)).catch(async (error) => {
    await database.close();
    throw error;
  });
  const { transport, close: closeTransport } = createTransport();
  let handler: Handler;
  try {
    handler = await placed(file, async () =>
      createHandler({
        ...added,
        config: { ...config, models },
        transport,
        database,
        ...libraries,
        ...(await librariesFor(config)),
        readiness,
        audit: audit?.audit,
        telemetry: slot,
      }),
    );
    await placed(file, () => handler.check());
  } catch (error) {
    await Promise.all([closeTransport(), database.close(), audit?.close()]);
    throw error;
  }
  const { fetch, memory } = handler;
  const running: Running[] = [];
  let admin: Running | undefined;
  let telemetry: ProductTelemetry | undefined;
  let sockets: SocketFolder | undefined;
  let newest = started;
  let isClosing = false;
  let reloader: Reloader | undefined;
  const setLimits: ((config: Config) => void)[] = [];
  const run = <L>(server: Running<L>, limitsOf: (config: Config) => L) => {
    running.push(server);
    setLimits.push((config) => server.setLimits(limitsOf(config)));
  };
  handler.maintain();
  const close = async () => {
    reloader?.close();
    await sockets?.remove();
    await telemetry?.close();
    await closeTransport();
    await database.close();
    await audit?.close();
  };
  try {
    const { gauges } = handler;
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
    const grpcLimits = ({ limits }: Config) => sessionLimits(limits);
    const provenLimits = (config: Config) => ({ ...grpcLimits(config), proof: config.proof });
    const grpc = { fetch, limits: grpcLimits(config), memory };
    const http = { fetch, memory };
    if (listen.http !== 'off') {
      const limitsOf = (config: Config) => ({
        ...httpLimits(config),
        linger: config.limits.linger,
        proof: config.proof,
      });
      run(await serveHttp({ ...http, ...limitsOf(config), ...addressOf(listen.http), tls: tls.http }), limitsOf);
    }
    // Loaded once HTTP is served, and where it is used: it takes as long as half of the rest.
    const serveGrpc = async (options: GrpcOptions) => (await import('./server.ts')).serveGrpc(options);
    if (listen.grpc !== 'off') {
      const limits = provenLimits(config);
      run(await serveGrpc({ ...grpc, limits, address: listen.grpc, tls: tls.grpc }), provenLimits);
    }
    if (listen.admin !== 'off') {
      const { scrape } = telemetry;
      const routes = new Map<string, AdminAnswer>([
        ['/livez', fetch],
        ['/readyz', fetch],
        ['/config', () => showConfig(newest.config, newest.models)],
      ]);
      if (scrape) routes.set('/metrics', scrape);
      admin = await serveHttp({ ...addressOf(listen.admin), flag: '-admin-port', fetch: adminFetch(routes) });
    }
    let envoy: SupervisedEnvoy | undefined;
    if (listen.envoy !== 'off') {
      // Our Envoy has private sockets: it needs no TLS and checks no names, so Host and Origin are checked here; on the other
      // listeners, which may be behind a user's Envoy, they are not. It asks nobody who he is, and passes on whatever headers come: so
      // it vouches for nobody.
      sockets = await newSocketFolder();
      const processor = { grpcSocket: join(sockets.path, 'grpc.sock'), httpSocket: join(sockets.path, 'http.sock') };
      const own = { rebindable: true, vouches: false };
      run(await serveGrpc({ ...grpc, ...own, address: `unix:${processor.grpcSocket}` }), grpcLimits);
      run(await serveHttp({ ...http, ...own, ...httpLimits(config), path: processor.httpSocket }), httpLimits);
      const [host, envoyPort] = hostAndPort(listen.envoy);
      envoy = await superviseEnvoy(
        { mode: 'streamed', ...processor, host, envoyPort, say, accessLog: accessLogger(), ownLog: logEnvoy },
        {
          exited(code) {
            readiness.set('envoy', true);
            log.error('Envoy has exited', { code });
          },
          failed: (error, again_ms) => log.error('cannot start Envoy', { error: describe(error), again_ms }),
          running(admin) {
            readiness.set('envoy', false);
            log.info('Envoy is running again', { admin });
          },
        },
      );
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
      refuseOwnListeners(models, Object.values(listen).filter(isTcp));
      if (!isDeepStrictEqual(config.secrets, newest.config.secrets)) await handler.check(config);
      handler.reload({ ...config, models });
      ({ limits } = config);
      for (const set of setLimits) set(config);
      if (!isDeepStrictEqual(models, newest.models)) told = told.then(() => tellBackends(setup));
      newest = setup;
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
        return running.reduce((sum, server) => sum + server.inFlight, handler.backgroundTurns);
      },
      async stop() {
        isClosing = true;
        readiness.set('draining', true);
        reloading.close();
        const timeoutMs = limits.drain + fixedLimits.ending;
        const drained = Promise.all(running.map((server) => server.drain(timeoutMs)));
        await handler.close(limits.drain, drained);
        await drained;
        await envoy?.stop();
        await admin?.close(); // until here it reports draining
        await close();
      },
      async cut() {
        await handler.close(0);
        setTimeout(() => running.map((server) => server.close()), fixedLimits.ending).unref();
      },
    };
  } catch (error) {
    await Promise.all([...running, ...(admin ? [admin] : [])].map((server) => server.close()));
    await handler.close(0);
    await close();
    throw error;
  }
}

function httpLimits({ limits }: Config): HttpLimits {
  const { body, unread, perCaller } = limits;
  return { message: body + MESSAGE_SLACK, unread, connections: perCaller.connections };
}
