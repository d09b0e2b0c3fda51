import type { Backend, ServerProfile } from './backend/backend.ts';
import { demo } from './backend/demo.ts';
import { protocols } from './backend/index.ts';
import { withErrorDetail } from './backend/server/error-detail.ts';
import { isOpenAIs, serverAt } from './backend/server/servers.ts';
import { demoModels } from './config/default-models.ts';
import type { Config } from './config/index.ts';
import {
  type AddedModel,
  type BuiltInModel,
  builtIn,
  type ServerConfig,
  serversOf,
  unknownBackend,
} from './config/models.ts';
import { ConfigError, misconfigured } from './config/problems.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { type KnownBackend, knowing, type ModelAddress, type ModelRoute } from './routing/models.ts';
import type { ModelServer } from './routing/server.ts';
import type { RoutePolicy } from './routing/server-group.ts';
import type { ServerConnection, Transport } from './transport.ts';

export { deploymentAt } from './backend/index.ts';
export { wordsIn } from './backend/server/error-detail.ts';

/**
 * Opens a backend that a root adds, for one entry of the configuration's `models`; `keys` are the entry's own, all but `match`,
 * `backend` and `context`. Throws an Error that says which of them is wrong, and why.
 */
export type OpenBackend = (keys: Readonly<Record<string, unknown>>, transport: Transport) => Backend;

/** Backends that a root adds to those that are built in, each by the name that `backend` has for it. */
export type AddedBackends = Readonly<Record<string, OpenBackend>>;

/** The built-in backends of a configuration, with what is known of their servers, by pattern, protocol, URL and key. */
export type OpenedBackends = ReadonlyMap<string, KnownBackend>;

/**
 * The routes of a configuration's models, which are the demo's if it has none, and its backends. Those that `earlier` has are
 * not opened again, so that what they have learned is kept; added ones are. Throws an Error that names the key for a backend
 * that is not there, or will not open.
 */
export function openModels(
  { models, errorDetail, limits }: Pick<Config, 'models' | 'errorDetail'> & { limits?: Pick<Limits, 'idle'> },
  transport: Transport,
  added: AddedBackends = {},
  earlier: OpenedBackends = new Map(),
): { routes: ModelRoute[]; backends: OpenedBackends } {
  for (const name of builtIn)
    if (Object.hasOwn(added, name)) throw new Error(`createHandler: the backend ${name} is built in`);
  const backends = new Map<string, KnownBackend>();
  const openOnce = (match: string, config: ServerConfig, connection: ServerConnection | undefined) => {
    const { backend, url, key: secret, server, openai, send } = config;
    const key = JSON.stringify([match, backend, url, secret, server, openai, send?.headers, connection]);
    // Entries do not share one, though it be one server: a gateway may offer for some models what it does not for others.
    const known = backends.get(key) ?? earlier.get(key) ?? knowing(openBuiltIn(config, transport, connection));
    backends.set(key, known);
    return known;
  };
  const told = (backend: Backend) => (errorDetail ? withErrorDetail(backend) : backend);
  const routes = (models ?? demoModels).map((model, index): ModelRoute => {
    const { match, context } = model;
    if ('keys' in model) {
      const known = knowing(openAdded(model, index, transport, added));
      return {
        match,
        context,
        servers: [{ known, backend: told(known.backend), address: addressOf(model), profile: PLAIN }],
      };
    }
    const servers = serversOf(model).map((server): ModelServer => {
      const { name, weight, priority, concurrency } = server;
      const connection = connectionOf(server, model.timeouts?.connect);
      if (connection && !transport.connects) throw unheeded(connection, index);
      const known = openOnce(match, server, connection);
      const profile = profileOf(server);
      return {
        known,
        backend: told(known.backend),
        address: addressOf(server),
        profile,
        name,
        weight,
        priority,
        concurrency,
      };
    });
    const showsServed = model.replyModel === 'served';
    return { match, context, servers, policy: policyOf(model, servers.length, limits), showsServed };
  });
  return { routes, backends };
}

/** The failures after which another server may do better. */
const RETRIED = ['connect', 'timeout', '429', '5xx'];

/** How calls are spread over the servers of an entry; undefined where it is one server, and says nothing of what happens to calls that fail. */
function policyOf(
  { to, balance, retry, fallback, timeouts, breaker, concurrency, probe }: BuiltInModel,
  servers: number,
  { idle }: Pick<Limits, 'idle'> = defaultLimits,
): RoutePolicy | undefined {
  const times = [timeouts?.firstToken, timeouts?.idle];
  const says = [to, retry, fallback, ...times, breaker, concurrency, probe];
  if (says.every((key) => key === undefined)) return undefined;
  const hasOthers = servers > 1 || fallback !== undefined;
  return {
    balance: balance ?? 'affinity',
    retry: { attempts: retry?.attempts ?? (servers > 1 ? 1 : 0), on: retry?.on ?? RETRIED },
    fallback: fallback ?? [],
    // A server that hangs must not take all the time that its turn has to be silent.
    timeouts: {
      firstToken: timeouts?.firstToken ?? (hasOthers ? idle / 2 : undefined),
      idle: timeouts?.idle,
      hedge: timeouts?.hedge === 'off' ? undefined : (timeouts?.hedge ?? HEDGE),
    },
    probe,
    breaker:
      hasOthers || breaker || probe !== undefined
        ? { failures: breaker?.failures ?? 5, open: breaker?.open ?? 30_000 }
        : NO_BREAKER,
  };
}

/** How long a server may be silent, in milliseconds, before another is asked beside it. */
const HEDGE = 1_000;

/** A server without another is asked however often it fails. */
const NO_BREAKER = { failures: Number.POSITIVE_INFINITY, open: 0 };

function openAdded({ backend: name, keys }: AddedModel, index: number, transport: Transport, added: AddedBackends) {
  const open = Object.hasOwn(added, name) ? added[name] : undefined;
  if (!open) throw new ConfigError([unknownBackend(index, name, [...builtIn, ...Object.keys(added)])]);
  try {
    return open(keys, transport);
  } catch (error) {
    const says = `cannot be opened: ${error instanceof Error ? error.message : error}`;
    throw misconfigured(`models.${index}`, says, { cause: error });
  }
}

/** The profile of a server behind an added backend. */
const PLAIN: ServerProfile = { isOpenAI: false, grammars: 'describe' };

function openBuiltIn(config: ServerConfig, transport: Transport, connection: ServerConnection | undefined): Backend {
  const { backend, url, key, send } = config;
  if (backend === 'demo' || url === undefined) return demo;
  const { server } = profileOf(config);
  return protocols[backend].open(url, key, transport, { server, headers: send?.headers, connection });
}

/** How a server is connected to; undefined where it is as any other. */
function connectionOf({ ca, proxy }: ServerConfig, connect: number | undefined): ServerConnection | undefined {
  if (ca === undefined && proxy === undefined && connect === undefined) return undefined;
  return { ca, proxy, connect };
}

/** The ConfigError of a key that the transport would not heed. */
function unheeded({ ca, proxy }: ServerConnection, index: number): ConfigError {
  const key = ca !== undefined ? 'ca' : proxy !== undefined ? 'proxy' : 'timeouts.connect';
  const says = 'is for the Node server alone: the transport of this root connects to all servers in one way';
  return misconfigured(`models.${index}.${key}`, says);
}

/** Where a configured model is. What URL an added backend calls, only that backend knows. */
function addressOf(model: ServerConfig | AddedModel): ModelAddress {
  const url = 'keys' in model ? undefined : model.url;
  return { backend: model.backend, urlHost: url === undefined ? null : new URL(url).host };
}

/** The profile of a configured server: which it is says its `server`, else its `openai`, else its host. */
function profileOf({ url, openai, server: named, send, grammars = 'describe' }: ServerConfig): ServerProfile {
  const atHost = url === undefined ? undefined : serverAt(url);
  const server = named ?? (openai && !isOpenAIs(atHost) ? 'openai' : atHost);
  const isOpenAI = openai ?? isOpenAIs(server);
  return { isOpenAI, grammars, server: isOpenAI === isOpenAIs(server) ? server : undefined, send };
}
