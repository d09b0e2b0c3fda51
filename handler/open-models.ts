import { anthropic } from './backend/anthropic/index.ts';
import type { Backend, ServerProfile } from './backend/backend.ts';
import { chatCompletions } from './backend/chat/index.ts';
import { demo } from './backend/demo.ts';
import { responses } from './backend/responses/index.ts';
import { isOpenAIs, openServer } from './backend/server/server.ts';
import { type BuiltInModel, builtIn, type ModelConfig } from './config/models.ts';
import type { ModelRoute } from './routing/models.ts';
import type { Transport } from './transport.ts';

/**
 * Opens a backend that a root adds, for one entry of the configuration's `models`; `keys` are the entry's own, all but `match`,
 * `backend` and `context`. Throws an Error that says which of them is wrong, and why.
 */
export type OpenBackend = (keys: Readonly<Record<string, unknown>>, transport: Transport) => Backend;

/** Backends that a root adds to those that are built in, each by the name that `backend` has for it. */
export type AddedBackends = Readonly<Record<string, OpenBackend>>;

/** The routes of a configuration's models. Throws an Error that names the key for a backend that is not there, or will not open. */
export function openModels(
  models: readonly ModelConfig[],
  transport: Transport,
  added: AddedBackends = {},
): ModelRoute[] {
  for (const name of builtIn)
    if (Object.hasOwn(added, name)) throw new Error(`createHandler: the backend ${name} is built in`);
  return models.map((model, index) => {
    const { match, context } = model;
    if (!('keys' in model))
      return { match, context, backend: openBuiltIn(model, transport), profile: profileOf(model) };
    const at = `configuration: models.${index}`;
    const open = Object.hasOwn(added, model.backend) ? added[model.backend] : undefined;
    if (!open) throw new Error(`${at}.backend must be ${oneOf([...builtIn, ...Object.keys(added)])}`);
    try {
      return { match, context, backend: open(model.keys, transport), profile: PLAIN };
    } catch (error) {
      throw new Error(`${at}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  });
}

/** The profile of a server behind an added backend. */
const PLAIN: ServerProfile = { isOpenAI: false, grammars: 'refuse' };

function oneOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

function openBuiltIn(model: BuiltInModel, transport: Transport): Backend {
  if (model.backend === 'demo' || model.url === undefined) return demo;
  if (model.backend === 'anthropic') return anthropic(model.url, model.key, transport);
  const server = openServer(model.url, model.key, transport);
  return model.backend === 'responses' ? responses(server) : chatCompletions(server);
}

function profileOf({ url, openai, grammars }: BuiltInModel): ServerProfile {
  return { isOpenAI: openai ?? (url !== undefined && isOpenAIs(url)), grammars: grammars ?? 'refuse' };
}
