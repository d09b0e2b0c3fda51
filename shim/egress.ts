import { lookup as systemLookup } from 'node:dns';
import { createRequire } from 'node:module';
import type { LookupFunction } from 'node:net';
import type { Agent as AgentOfUndici, buildConnector as BuildConnector, Dispatcher } from 'undici';
import { type EgressConnect, notPublic, type OutgoingRequest, type Reach } from '../handler/egress/egress.ts';
import { acceptEncoding, decodedBody } from './egress-body.ts';
import { unlessAborted } from './race.ts';

const require = createRequire(import.meta.url);
const Agent: typeof AgentOfUndici = require('undici/lib/dispatcher/agent.js');
const buildConnector: typeof BuildConnector = require('undici/lib/core/connect.js');
const request: Dispatcher['request'] = require('undici/lib/api/api-request.js');

/** How requests of tools leave a Node process. */
export interface EgressConnections {
  connect: EgressConnect;
  /** Closes every connection at once, with its requests. */
  close(): Promise<void>;
}

/** How long a connection may take to be made, in milliseconds. */
const CONNECT_MS = 10_000;

/** How long connections of a reach that nobody asks for are kept, in milliseconds: of rules that are configured no more nobody asks. */
const IDLE_MS = 60_000;

/** The largest head of a reply, in bytes. */
const MAX_HEAD = 64 * 1024;

/** Finds the addresses of a name, as `dns.lookup` does with `all`. */
export type FindAddresses = (
  name: string,
  options: { all: true },
  told: (error: Error | null, addresses: { address: string; family: number }[]) => void,
) => void;

/**
 * Requests over HTTP/1.1 that connect to the very addresses that were checked. A name with one address that is not within reach has none,
 * whatever its others are. Connections are kept between requests of the same reach. It heeds no proxy of the environment.
 */
export function createEgress(find: FindAddresses = systemLookup): EgressConnections {
  const open = new Map<string, { agent: AgentOfUndici; timer: NodeJS.Timeout }>();
  const ending = new Set<AgentOfUndici>();

  const agentFor = (reach: Reach): AgentOfUndici => {
    const known = open.get(reach.key);
    clearTimeout(known?.timer);
    const agent = known?.agent ?? agentWithin(reach, find);
    const end = () => {
      open.delete(reach.key);
      ending.add(agent);
      void agent.close().finally(() => ending.delete(agent)); // what it has begun ends by itself
    };
    open.set(reach.key, { agent, timer: setTimeout(end, IDLE_MS).unref() });
    return agent;
  };

  const connect = async ({ url, method, headers, body, reach, signal }: OutgoingRequest) => {
    const pending = request.call(agentFor(reach), {
      origin: url.origin,
      path: url.pathname + url.search,
      method: method as Dispatcher.HttpMethod, // one of those that tools may have
      headers: { 'accept-encoding': acceptEncoding, ...Object.fromEntries(headers) },
      body: body ?? null,
      signal,
    });
    // undici ignores the signal while it connects.
    const reply = await unlessAborted(pending, signal);
    // An early destroy emits an error, which has no other listener.
    reply.body.on('error', () => {});
    try {
      return decodedBody(reply);
    } catch (error) {
      reply.body.destroy();
      throw error;
    }
  };
  return {
    connect: Object.assign(connect, { checksAddresses: true }),
    async close() {
      for (const { agent, timer } of open.values()) {
        clearTimeout(timer);
        ending.add(agent);
      }
      open.clear();
      await Promise.all(Array.from(ending, (agent) => agent.destroy()));
    },
  };
}

function agentWithin(reach: Reach, find: FindAddresses): AgentOfUndici {
  // It has to be an option of the connector: with those of a connection it is ignored, and never called.
  const connector = buildConnector({ timeout: CONNECT_MS, allowH2: false, lookup: lookupWithin(reach, find) });
  return new Agent({
    connect(to, callback) {
      connector(to, (error, socket) => {
        if (error) return callback(error, null);
        // No lookup is made for addresses, and whatever is between may have answered for it.
        if (socket.remoteAddress !== undefined && reach.permits(socket.remoteAddress)) return callback(null, socket);
        socket.destroy();
        callback(notPublic(), null);
      });
    },
    headersTimeout: 0, // the rules of the request have theirs
    bodyTimeout: 0,
    keepAliveTimeout: 4_000,
    maxHeaderSize: MAX_HEAD,
    pipelining: 1,
    allowH2: false,
  });
}

/** A lookup for connections. It fails alike for a name without an address, and for one with an address that is not within reach. */
function lookupWithin(reach: Reach, find: FindAddresses): LookupFunction {
  return (name, { all }, told) => {
    find(name, { all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error || !first || !addresses.every(({ address }) => reach.permits(address)))
        return told(notPublic(error ?? undefined), '', 4);
      if (all) told(null, addresses);
      else told(null, first.address, first.family);
    });
  };
}
