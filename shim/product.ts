import { createRequire } from 'node:module';
import { type RunningEnvoy, startEnvoy } from '../envoy/run.ts';
import { createHandler, describe, fixedLimits, log, parseConfig, Readiness, substitute } from '../handler/index.ts';
import { adminFetch } from './admin.ts';
import { readConfigFile } from './config-file.ts';
import { DEFAULT_DATABASE, openDatabase } from './database.ts';
import { chooseModels, type Env } from './default-models.ts';
import type { Flags } from './flags.ts';
import { serveHttp } from './http.ts';
import { defaultInFlight } from './memory-limit.ts';
import { refuseOwnListeners } from './own-listener.ts';
import { type Running, serveGrpc } from './server.ts';
import type { Log } from './session.ts';
import { loadTokenizer } from './tokenizer.ts';
import { createTransport } from './transport.ts';
import { type PrivateSockets, privateSockets } from './unix-socket.ts';

/** The whole product as it runs: the processor, the handler on plain HTTP, and Envoy unless it was not wanted. */
export interface Product {
  listen: Listeners;
  /** Where the models come from, in words. */
  from: string;
  /** The database, as the configuration names it. */
  store: string;
  /** The first model's name when it is a name, not a pattern. */
  model: string | undefined;
  envoy: RunningEnvoy | undefined;
  /** How long `stop` waits for what is in flight, in milliseconds. */
  drain: number;
  /** Requests in flight, open WebSockets and background turns included. */
  readonly inFlight: number;
  /**
   * Takes nothing new, lets what is in flight finish for at most `limits.drain`, ends what has not as failed, and closes
   * everything.
   */
  stop(): Promise<void>;
  /** Has `stop`, once it was called, wait no longer. */
  cut(): Promise<void>;
}

/** Addresses as HOST:PORT; `admin` may be `off`. */
export interface Listeners {
  grpc: string;
  http: string;
  envoy: string;
  admin: string;
}

/** On the loopback unless told otherwise, since nothing here asks who is calling. */
const LISTEN: Listeners = {
  grpc: '127.0.0.1:50051',
  http: '127.0.0.1:8080',
  envoy: '127.0.0.1:10000',
  admin: '127.0.0.1:9464',
};

/** What the shim allows beyond the handler's own limits, so that the handler's graceful end comes first. */
const SLACK = { ms: 10_000, bytes: 1024 * 1024 };

/** How often what has expired is removed, in milliseconds. */
const SWEEP = 60_000;

/** How often webhooks are delivered that could not be at once, in milliseconds. */
const DELIVER = 2_000;

/** Times within a lease that turns without a process are looked for. */
const RESUMES = 3;

/** Starts everything, or nothing: throws an Error that says what is wrong. `say` hears of what takes long. */
export async function startProduct(flags: Flags, env: Env, say: (line: string) => void): Promise<Product> {
  const config = parseConfig(flags.config ? substitute(await readConfigFile(flags.config), env) : {}, {
    inFlight: defaultInFlight(),
  });
  const { models, from } = config.models
    ? { models: config.models, from: flags.config ?? '' }
    : await chooseModels(env);
  const listen = {
    grpc: address(config.listen.grpc ?? LISTEN.grpc, flags.port),
    http: address(config.listen.http ?? LISTEN.http, flags.httpPort),
    envoy: address(config.listen.envoy ?? LISTEN.envoy, flags.envoyPort),
    admin: adminAddress(config.listen.admin, flags.adminPort),
  };
  refuseOwnListeners(models, Object.values(listen));

  const { limits } = config;
  const store = config.database ?? DEFAULT_DATABASE;
  const database = await openDatabase(store, config.synchronous);
  const { transport, close: closeTransport } = createTransport();
  const brotli = createRequire(import.meta.url)('brotli-wasm');
  const readiness = new Readiness();
  const handler = createHandler({
    config: { ...config, models },
    transport,
    database,
    brotli,
    tokenizer: loadTokenizer,
    readiness,
  });
  const { fetch, memory } = handler;
  const running: Running[] = [];
  let admin: Running | undefined;
  let sockets: PrivateSockets | undefined;
  const sweeping = repeat(SWEEP, 'sweep', handler.sweep);
  const delivering = repeat(DELIVER, 'deliver', handler.deliver);
  const resuming = repeat(limits.lease / RESUMES, 'resume', handler.resume);
  const close = async () => {
    clearInterval(sweeping);
    clearInterval(resuming);
    clearInterval(delivering);
    await sockets?.remove();
    await closeTransport();
    await database.close();
  };
  try {
    // A stream that fails at its limit repeats in its last event what was made so far, and so may double.
    const bounds = {
      body: limits.body,
      reply: 2 * limits.reply + SLACK.bytes,
      time: Math.max(limits.turn, limits.background) + SLACK.ms,
    };
    const grpc = { fetch, limits: bounds, memory, log: logLine };
    const http = { fetch, message: limits.body + SLACK.bytes, unread: limits.unread, memory, log: logLine };
    running.push(await serveGrpc({ ...grpc, address: listen.grpc }));
    const [host, port] = split(listen.http);
    running.push(await serveHttp({ ...http, host, port, linger: limits.linger }));
    if (listen.admin !== 'off') {
      const [host, port] = split(listen.admin);
      const routes = new Map([
        ['/livez', fetch],
        ['/readyz', fetch],
      ]);
      admin = await serveHttp({ host, port, flag: '-admin-port', fetch: adminFetch(routes), log: logLine });
    }
    let envoy: RunningEnvoy | undefined;
    if (!flags.noEnvoy) {
      // What comes by them comes through the Envoy started here, which looks at no names: Host and Origin are checked, whatever
      // holds for the listeners above, where an Envoy of the user's may be.
      sockets = await privateSockets();
      running.push(await serveGrpc({ ...grpc, address: `unix:${sockets.grpc}`, rebindable: true }));
      running.push(await serveHttp({ ...http, path: sockets.http, rebindable: true }));
      const [host, envoyPort] = split(listen.envoy);
      envoy = await startEnvoy({
        mode: 'streamed',
        grpcSocket: sockets.grpc,
        httpSocket: sockets.http,
        host,
        envoyPort,
        say,
      });
    }
    return {
      listen,
      from,
      store,
      model: models.find(({ match }) => !match.includes('*'))?.match,
      envoy,
      drain: limits.drain,
      get inFlight() {
        return running.reduce((sum, server) => sum + server.inFlight, handler.backgroundTurns);
      },
      async stop() {
        readiness.set('draining', true);
        clearInterval(resuming);
        const most = limits.drain + fixedLimits.ending;
        const served = Promise.all(running.map((server) => server.drain(most)));
        await handler.close(limits.drain, served);
        await served;
        await envoy?.stop();
        await admin?.close(); // until here it says that this process is draining
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

const logLine: Log = (level, message, { error, ...properties } = {}) => {
  log[level](message, { ...properties, ...(error !== undefined && { error: describe(error) }) });
};

/** Does something now, and then again every so many milliseconds; a failure is logged. */
function repeat(every: number, what: string, work: () => Promise<unknown>): NodeJS.Timeout {
  const tryIt = () => work().catch((error) => logLine('error', `cannot ${what}`, { error }));
  void tryIt();
  return setInterval(tryIt, every);
}

function address(listener: string, port: number | undefined): string {
  return port === undefined ? listener : listener.replace(/\d+$/, String(port));
}

/** A port on the command line is a wish for the listener, whatever the file says. */
function adminAddress(listener: string = LISTEN.admin, port: number | undefined): string {
  return address(listener === 'off' && port !== undefined ? LISTEN.admin : listener, port);
}

function split(listener: string): [string, number] {
  const colon = listener.lastIndexOf(':');
  return [listener.slice(0, colon).replace(/[[\]]/g, ''), Number(listener.slice(colon + 1))];
}
