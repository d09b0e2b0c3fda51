import type { Config, Handler } from '../handler/index.ts';
import { type AdminAnswer, adminFetch } from './admin.ts';
import { type HttpLimits, serveHttp } from './http.ts';
import { addressOf, type Listeners } from './listeners.ts';
import type { Running } from './running.ts';
import type { GrpcOptions } from './server.ts';
import { sessionLimits } from './session-limits.ts';
import type { Setup } from './setup.ts';

/** Where the Envoy that is started here reaches a process: unix sockets in a folder that only this user may enter. */
export interface OwnSockets {
  grpcSocket: string;
  httpSocket: string;
}

/** What the servers of a process are opened with. */
export interface ServersOptions {
  handler: Pick<Handler, 'fetch' | 'memory'>;
  setup: Pick<Setup, 'config' | 'tls'>;
  listen: Omit<Listeners, 'envoy'>;
  /** What the admin listener answers, by path. */
  admin: ReadonlyMap<string, AdminAnswer>;
  /** Whether other processes listen on the same HTTP port. */
  reusePort?: boolean;
}

/** Slack of WebSocket messages over bodies, so that the handler's own error comes first. */
const MESSAGE_SLACK = 1024 * 1024;

/** The servers of one process. What `open` has opened when it rejects is closed by `close`, as everything is. */
export class Servers {
  readonly #handler: ServersOptions['handler'];
  readonly #running: Running[] = [];
  readonly #setLimits: ((config: Config) => void)[] = [];
  #admin: Running | undefined;

  constructor(handler: ServersOptions['handler']) {
    this.#handler = handler;
  }

  /** Requests in flight, open WebSockets included. */
  get inFlight(): number {
    return this.#running.reduce((sum, server) => sum + server.inFlight, 0);
  }

  /** Opens the listeners that are not off: HTTP first, which needs half of the time. */
  async open({ setup: { config, tls }, listen, admin, reusePort = false }: Omit<ServersOptions, 'handler'>) {
    const { fetch, memory } = this.#handler;
    if (listen.http !== 'off') {
      const limitsOf = (config: Config) => ({
        ...httpLimits(config),
        linger: config.limits.linger,
        proof: config.proof,
      });
      const http = { fetch, memory, ...limitsOf(config), ...addressOf(listen.http), tls: tls.http, reusePort };
      this.#run(await serveHttp(http), limitsOf);
    }
    if (listen.grpc !== 'off') {
      const limitsOf = (config: Config) => ({ ...sessionLimits(config.limits), proof: config.proof });
      const grpc = { fetch, memory, limits: limitsOf(config), address: listen.grpc, tls: tls.grpc };
      this.#run(await serveGrpc(grpc), limitsOf);
    }
    if (listen.admin !== 'off') {
      this.#admin = await serveHttp({ ...addressOf(listen.admin), flag: '-admin-port', fetch: adminFetch(admin) });
    }
  }

  /**
   * Opens the sockets of our own Envoy: it needs no TLS and checks no names, so Host and Origin are checked here; on the other
   * listeners, which may be behind a user's Envoy, they are not. It asks nobody who he is, and passes on whatever headers come: so it
   * vouches for nobody. `endsWithEnvoy`: that Envoy is this process's alone, and ends with it.
   */
  async openToOwnEnvoy(config: Config, { grpcSocket, httpSocket }: OwnSockets, endsWithEnvoy: boolean): Promise<void> {
    const { fetch, memory } = this.#handler;
    const own = { fetch, memory, rebindable: true, vouches: false };
    const limitsOf = ({ limits }: Config) => sessionLimits(limits);
    const grpc = { ...own, endsWithEnvoy, limits: limitsOf(config), address: `unix:${grpcSocket}` };
    this.#run(await serveGrpc(grpc), limitsOf);
    this.#run(await serveHttp({ ...own, ...httpLimits(config), path: httpSocket }), httpLimits);
  }

  setLimits(config: Config): void {
    for (const set of this.#setLimits) set(config);
  }

  /** Takes no more requests, and resolves once those in flight have ended, or when they were cut after `timeoutMs`. The admin listener stays. */
  async drain(timeoutMs: number): Promise<void> {
    await Promise.all(this.#running.map((server) => server.drain(timeoutMs)));
  }

  /** Closes the admin listener. */
  async closeAdmin(): Promise<void> {
    await this.#admin?.close();
  }

  /** Closes all but the admin listener at once, cutting what is in flight. */
  async cut(): Promise<void> {
    await Promise.all(this.#running.map((server) => server.close()));
  }

  #run<L>(server: Running<L>, limitsOf: (config: Config) => L): void {
    this.#running.push(server);
    this.#setLimits.push((config) => server.setLimits(limitsOf(config)));
  }
}

/** Loaded once HTTP is served, and where it is used: it takes as long as half of the rest. */
async function serveGrpc(options: GrpcOptions) {
  return (await import('./server.ts')).serveGrpc(options);
}

function httpLimits({ limits }: Config): HttpLimits {
  const { body, unread, perCaller } = limits;
  return { message: body + MESSAGE_SLACK, unread, connections: perCaller.connections };
}
