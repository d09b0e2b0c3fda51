import { createRequire } from 'node:module';
import type { Agent as AgentOfUndici, buildConnector as BuildConnector } from 'undici';
import type { ServerConnection } from '../handler/transport.ts';
import { ProxyTunnel, proxyCredentials, unreachableProxy } from './proxy-tunnel.ts';

const require = createRequire(import.meta.url);
const Agent: typeof AgentOfUndici = require('undici/lib/dispatcher/agent.js');
const buildConnector: typeof BuildConnector = require('undici/lib/core/connect.js');

/** How long a way that nobody asks for is kept, in milliseconds: of a server that is configured no more nobody asks. */
const IDLE_MS = 60_000;

/** How requests come to a server that is connected to in a way of its own. */
export interface Way {
  agent: AgentOfUndici;
  /** The proxy that passes on what goes over http, with the headers for it. */
  proxy?: { origin: string; headers: Record<string, string> };
}

interface OpenWay extends Way {
  tunnel?: ProxyTunnel | undefined;
  timer: NodeJS.Timeout;
}

/** The ways to servers that are not connected to as all others are, one for each connection, open while it is asked for. */
export class ServerAgents {
  readonly #options: AgentOfUndici.Options;
  readonly #timeout: number;
  readonly #idle: number;
  readonly #open = new Map<ServerConnection, OpenWay>();
  /** Agents that end what they have begun. */
  readonly #ending = new Set<AgentOfUndici>();

  /**
   * `options` are those of each agent; a connection is made within `timeout` milliseconds, unless it says otherwise, and a way that
   * nobody asks for is closed after `idle`.
   */
  constructor(options: AgentOfUndici.Options, timeout: number, idle = IDLE_MS) {
    this.#options = options;
    this.#timeout = timeout;
    this.#idle = idle;
  }

  /** The way of a connection. */
  to(connection: ServerConnection): Way {
    const known = this.#open.get(connection);
    if (known) clearTimeout(known.timer);
    const way = known ?? wayOf(connection, this.#options, this.#timeout);
    const timer = setTimeout(() => this.#end(connection, way.agent), this.#idle).unref();
    this.#open.set(connection, { ...way, timer });
    return way;
  }

  /** Closes all of them at once, with their requests. */
  async close(): Promise<void> {
    for (const { timer, tunnel, agent } of this.#open.values()) {
      clearTimeout(timer);
      tunnel?.close();
      this.#ending.add(agent);
    }
    this.#open.clear();
    await Promise.all(Array.from(this.#ending, (agent) => agent.destroy()));
  }

  /** Lets it go: what it has begun ends by itself. */
  #end(connection: ServerConnection, agent: AgentOfUndici): void {
    this.#open.delete(connection);
    this.#ending.add(agent);
    void agent.close().finally(() => this.#ending.delete(agent));
  }
}

function wayOf({ ca, proxy, connect }: ServerConnection, options: AgentOfUndici.Options, usual: number) {
  const timeout = connect ?? usual;
  if (proxy === undefined) {
    return { agent: new Agent({ ...options, connect: { timeout, ...(ca !== undefined && { ca }) } }) };
  }
  const url = new URL(proxy);
  const toProxy = buildConnector({ timeout, allowH2: false });
  const tunnel = new ProxyTunnel(url, ca, timeout);
  const agent = new Agent({
    ...options,
    connect(to, callback) {
      if (to.protocol === 'https:') return tunnel.connect(to, callback);
      toProxy(to, (error, socket) => (error ? callback(unreachableProxy(error), null) : callback(null, socket)));
    },
  });
  const credentials = proxyCredentials(url);
  const headers = credentials === undefined ? {} : { 'proxy-authorization': credentials };
  return { agent, tunnel, proxy: { origin: url.origin, headers } };
}
