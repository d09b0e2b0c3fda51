import type { Backend, ServerProfile } from './backend/backend.ts';
import { demo } from './backend/demo.ts';
import { protocols } from './backend/index.ts';
import { withErrorDetail } from './backend/server/error-detail.ts';
import { isOpenAIs, serverAt } from './backend/server/servers.ts';
import { demoModels } from './config/default-models.ts';
import type { Config } from './config/index.ts';
import { type BuiltInModel, builtIn, joinNames, type ModelConfig } from './config/models.ts';
import type { ModelRoute } from './routing/models.ts';
import type { Transport } from './transport.ts';

/**
 * Opens a backend that a root adds, for one entry of the configuration's `models`; `keys` are the entry's own, all but `match`,
 * `backend` and `context`. Throws an Error that says which of them is wrong, and why.
 */
export type OpenBackend = (keys: Readonly<Record<string, unknown>>, transport: Transport) => Backend;

/** Backends that a root adds to those that are built in, each by the name that `backend` has for it. */
export type AddedBackends = Readonly<Record<string, OpenBackend>>;

/**
 * The routes of a configuration's models, which are the demo's if it has none. Throws an Error that names the key for a backend
 * that is not there, or will not open.
 */
export function openModels(
  config: Pick<Config, 'models' | 'errorDetail'>,
  transport: Transport,
  added: AddedBackends = {},
): ModelRoute[] {
  const routes = routesOf(config.models ?? demoModels, transport, added);
  return config.errorDetail ? routes.map((route) => ({ ...route, backend: withErrorDetail(route.backend) })) : routes;
}

function routesOf(models: readonly ModelConfig[], transport: Transport, added: AddedBackends): ModelRoute[] {
  for (const name of builtIn)
    if (Object.hasOwn(added, name)) throw new Error(`createHandler: the backend ${name} is built in`);
  return models.map((model, index) => {
    const { match, context } = model;
    if (!('keys' in model))
      return { match, context, backend: openBuiltIn(model, transport), profile: profileOf(model) };
    const at = `configuration: models.${index}`;
    const open = Object.hasOwn(added, model.backend) ? added[model.backend] : undefined;
    if (!open) throw new Error(`${at}.backend must be ${joinNames([...builtIn, ...Object.keys(added)], 'or')}`);
    try {
      return { match, context, backend: open(model.keys, transport), profile: PLAIN };
    } catch (error) {
      throw new Error(`${at}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  });
}

/** The profile of a server behind an added backend. */
const PLAIN: ServerProfile = { isOpenAI: false, grammars: 'describe' };

function openBuiltIn(model: BuiltInModel, transport: Transport): Backend {
  if (model.backend === 'demo' || model.url === undefined) return demo;
  return protocols[model.backend].open(model.url, model.key, transport);
}

/** The profile of a configured server: which it is says its `server`, else its `openai`, else its host. */
function profileOf({ url, openai, server: named, send, grammars = 'describe' }: BuiltInModel): ServerProfile {
  const atHost = url === undefined ? undefined : serverAt(url);
  const server = named ?? (openai && !isOpenAIs(atHost) ? 'openai' : atHost);
  const isOpenAI = openai ?? isOpenAIs(server);
  return { isOpenAI, grammars, server: isOpenAI === isOpenAIs(server) ? server : undefined, send };
}
