import type { Backend, ServerProfile } from './backend/backend.ts';
import { demo } from './backend/demo.ts';
import { protocols } from './backend/index.ts';
import { withErrorDetail } from './backend/server/error-detail.ts';
import { isOpenAIs, serverAt } from './backend/server/servers.ts';
import { demoModels } from './config/default-models.ts';
import type { Config } from './config/index.ts';
import { type AddedModel, type BuiltInModel, builtIn, type ModelConfig, unknownBackend } from './config/models.ts';
import { ConfigError, misconfigured } from './config/problems.ts';
import { type KnownBackend, knowing, type ModelAddress, type ModelRoute } from './routing/models.ts';
import type { Transport } from './transport.ts';

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
  { models, errorDetail }: Pick<Config, 'models' | 'errorDetail'>,
  transport: Transport,
  added: AddedBackends = {},
  earlier: OpenedBackends = new Map(),
): { routes: ModelRoute[]; backends: OpenedBackends } {
  for (const name of builtIn)
    if (Object.hasOwn(added, name)) throw new Error(`createHandler: the backend ${name} is built in`);
  const backends = new Map<string, KnownBackend>();
  const openOnce = (model: BuiltInModel) => {
    const key = JSON.stringify([model.match, model.backend, model.url, model.key, model.send?.headers]);
    // Entries do not share one, though it be one server: a gateway may offer for some models what it does not for others.
    const known = backends.get(key) ?? earlier.get(key) ?? knowing(openBuiltIn(model, transport));
    backends.set(key, known);
    return known;
  };
  const routes = (models ?? demoModels).map((model, index): ModelRoute => {
    const { match, context } = model;
    const isBuiltIn = !('keys' in model);
    const known = isBuiltIn ? openOnce(model) : knowing(openAdded(model, index, transport, added));
    const backend = errorDetail ? withErrorDetail(known.backend) : known.backend;
    return { match, context, backend, known, address: addressOf(model), profile: isBuiltIn ? profileOf(model) : PLAIN };
  });
  return { routes, backends };
}

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

function openBuiltIn(model: BuiltInModel, transport: Transport): Backend {
  if (model.backend === 'demo' || model.url === undefined) return demo;
  return protocols[model.backend].open(model.url, model.key, transport, { headers: model.send?.headers });
}

/** Where a configured model is. What URL an added backend calls, only that backend knows. */
function addressOf(model: ModelConfig): ModelAddress {
  const url = 'keys' in model ? undefined : model.url;
  return { backend: model.backend, urlHost: url === undefined ? null : new URL(url).host };
}

/** The profile of a configured server: which it is says its `server`, else its `openai`, else its host. */
function profileOf({ url, openai, server: named, send, grammars = 'describe' }: BuiltInModel): ServerProfile {
  const atHost = url === undefined ? undefined : serverAt(url);
  const server = named ?? (openai && !isOpenAIs(atHost) ? 'openai' : atHost);
  const isOpenAI = openai ?? isOpenAIs(server);
  return { isOpenAI, grammars, server: isOpenAI === isOpenAIs(server) ? server : undefined, send };
}
