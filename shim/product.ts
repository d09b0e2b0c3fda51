import { join } from 'node:path';
import { newSocketFolder, type SocketFolder } from '../envoy/socket-folder.ts';
import { type SupervisedEnvoy, superviseEnvoy } from '../envoy/supervise.ts';
import {
  createHandler,
  type Database,
  describe,
  fixedLimits,
  type Handler,
  type HandlerOptions,
  log,
  Readiness,
} from '../handler/index.ts';
import { adminFetch } from './admin.ts';
import type { BackendReport } from './backends/ask.ts';
import { compileCel } from './cel.ts';
import { codecs } from './codecs.ts';
import { placed } from './config-file.ts';
import { openDatabase } from './database.ts';
import type { Env } from './default-models.ts';
import { findDocsScript } from './docs-script.ts';
import type { Flags } from './flags.ts';
import { serveHttp } from './http.ts';
import { hostAndPort, isTcp, type Listeners } from './listeners.ts';
import type { Running } from './running.ts';
import type { GrpcOptions } from './server.ts';
import { sessionLimits } from './session-limits.ts';
import { readSetup } from './setup.ts';
import { loadTokenizer } from './tokenizer.ts';
import { createTransport } from './transport.ts';
import { socketPathOf } from './unix-socket.ts';

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
   * reports, one for each entry of `models`.
   */
  askBackends(): Promise<BackendReport[]>;
  /** How long `stop` waits for requests in flight, in milliseconds. */
  drain: number;
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
  flags?: Partial<Omit<Flags, 'command' | 'help' | 'version'>>;
  /** The configuration, with the keys of the file, in place of `flags.config`. */
  config?: object;
  /** Source of `${NAME}` in the configuration. Default: the environment of the process. */
  env?: Env;
  /** Progress messages for people. */
  say?: (line: string) => void;
  /** Replaces the configured database; it must be migrated, and `stop` closes it. */
  database?: Database;
}

/** Slack of WebSocket messages over bodies, so that the handler's own error comes first. */
const MESSAGE_SLACK = 1024 * 1024;

/** Starts everything, or nothing: throws an Error that says what is wrong. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const { flags = {}, config: inline, env = process.env, say = () => {}, database: customDatabase, ...added } = options;
  // Whoever starts it without any configuration tries it out, and wants to know what the model's server says.
  const source = { file: flags.config, inline: inline ?? { errorDetail: true }, env };
  const {
    config,
    file,
    models,
    from,
    listen,
    tls,
    database: url,
  } = await readSetup({ ...source, backends: Object.keys(added.backends ?? {}) }, flags);
  const { limits } = config;
  const store = customDatabase ? 'a database of the root' : url;
  const readiness = new Readiness();
  const database =
    customDatabase ?? (await openDatabase(store, config.synchronous, (what, holds) => readiness.set(what, holds)));
  const { transport, close: closeTransport } = createTransport();
  let handler: Handler;
  try {
    handler = await placed(file, () =>
      createHandler({
        ...added,
        config: { ...config, models },
        transport,
        database,
        codecs,
        compileCel,
        docsScript: findDocsScript,
        tokenizer: loadTokenizer,
        readiness,
      }),
    );
  } catch (error) {
    await Promise.all([closeTransport(), database.close()]);
    throw error;
  }
  const { fetch, memory } = handler;
  const running: Running[] = [];
  let admin: Running | undefined;
  let sockets: SocketFolder | undefined;
  handler.maintain();
  const close = async () => {
    await sockets?.remove();
    await closeTransport();
    await database.close();
  };
  try {
    const grpc = { fetch, limits: sessionLimits(limits), memory };
    const http = {
      fetch,
      message: limits.body + MESSAGE_SLACK,
      unread: limits.unread,
      connections: limits.perCaller.connections,
      memory,
    };
    if (listen.http !== 'off') {
      const { linger } = limits;
      running.push(await serveHttp({ ...http, ...addressOf(listen.http), linger, tls: tls.http, proof: config.proof }));
    }
    // Loaded once HTTP is served, and where it is used: it takes as long as half of the rest.
    const serveGrpc = async (options: GrpcOptions) => (await import('./server.ts')).serveGrpc(options);
    if (listen.grpc !== 'off') running.push(await serveGrpc({ ...grpc, address: listen.grpc, tls: tls.grpc }));
    if (listen.admin !== 'off') {
      const routes = new Map([
        ['/livez', fetch],
        ['/readyz', fetch],
      ]);
      admin = await serveHttp({
        ...addressOf(listen.admin),
        flag: '-admin-port',
        fetch: adminFetch(routes),
      });
    }
    let envoy: SupervisedEnvoy | undefined;
    if (listen.envoy !== 'off') {
      // Our Envoy has private sockets: it needs no TLS and checks no names, so Host and Origin are checked here; on the other
      // listeners, which may be behind a user's Envoy, they are not.
      sockets = await newSocketFolder();
      const processor = { grpcSocket: join(sockets.path, 'grpc.sock'), httpSocket: join(sockets.path, 'http.sock') };
      running.push(await serveGrpc({ ...grpc, address: `unix:${processor.grpcSocket}`, rebindable: true }));
      running.push(await serveHttp({ ...http, path: processor.httpSocket, rebindable: true }));
      const [host, envoyPort] = hostAndPort(listen.envoy);
      envoy = await superviseEnvoy(
        { mode: 'streamed', ...processor, host, envoyPort, say },
        {
          exited(code) {
            readiness.set('envoy', true);
            log.error('Envoy has exited', { code });
          },
          failed: (error, again_ms) => log.error('cannot start Envoy', { error: describe(error), again_ms }),
          running() {
            readiness.set('envoy', false);
            log.info('Envoy is running again');
          },
        },
      );
    }
    return {
      listen,
      http: isTcp(listen.http) ? `${tls.http ? 'https' : 'http'}://${listen.http}` : undefined,
      from,
      store,
      model: models.find(({ match }) => !match.includes('*'))?.match,
      envoy,
      askBackends: async () => {
        const { askBackends, IN_CONFIG, IN_ENVIRONMENT } = await import('./backends/ask.ts');
        return askBackends(models, transport, config.models ? IN_CONFIG : IN_ENVIRONMENT);
      },
      drain: limits.drain,
      get inFlight() {
        return running.reduce((sum, server) => sum + server.inFlight, handler.backgroundTurns);
      },
      async stop() {
        readiness.set('draining', true);
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

function addressOf(listener: string): { host: string; port: number } | { path: string } {
  const path = socketPathOf(listener);
  if (path !== undefined) return { path };
  const [host, port] = hostAndPort(listener);
  return { host, port };
}
