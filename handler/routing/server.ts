import type { Backend, Forward, OfferedModel, Prepare, ServerProfile } from '../backend/backend.ts';
import { type ApiError, unsupported } from '../errors.ts';
import { fixedLimits } from '../limits.ts';
import { ModelContexts, type ModelList } from './contexts.ts';
import { ServerHealth } from './server-health.ts';

/** Where a model is, for those who are told of its turns: the name of its backend, and the host of the URL, where it has one. */
export interface ModelAddress {
  backend: string;
  urlHost: string | null;
  /** The model's name there, where it is not the one that was asked for. */
  name?: string | undefined;
}

/** A backend with what is known of its server's models. */
export interface KnownBackend {
  readonly backend: Backend;
  readonly contexts: ModelContexts;
  /** Its models, within `timeout` milliseconds: what it said last if it does not answer. */
  readonly list: ModelList;
  readonly health: ServerHealth;
}

/** A backend of which nothing is known yet. */
export function knowing(backend: Backend): KnownBackend {
  const list = cachedList(backend);
  return { backend, contexts: new ModelContexts(backend, list), list, health: new ServerHealth() };
}

/** One server of a model. */
export interface ModelServer {
  backend: Backend;
  /** What is known of it. Default: nothing. */
  known?: KnownBackend | undefined;
  profile: ServerProfile;
  address: ModelAddress;
  /** The model's name there. Default: the one that was asked for. */
  name?: string | undefined;
  /** Its share, beside those of the others; 0 for none. Default: 1. */
  weight?: number | undefined;
  /** Servers with a higher number are asked where those with a lower one cannot be. Default: 0. */
  priority?: number | undefined;
  /** The most calls that it makes at a time. Default: any number. */
  concurrency?: number | undefined;
}

/** A server as calls are spread over it. */
export interface OpenServer {
  /** Tells it from others of its model. */
  readonly id: string;
  readonly prepare: Prepare;
  /** Prepares what is passed on; throws an ApiError where it has no other APIs. */
  readonly forward: Forward;
  readonly health: ServerHealth;
  /** Takes in the context, in tokens, that it has named for the model that was asked for. */
  learnContext(model: string, context: number): void;
  /** Asks it for its models; rejects if it does not answer. */
  list(signal: AbortSignal): Promise<unknown>;
  readonly address: ModelAddress;
  /** The pattern of its entry. */
  readonly match: string;
  /** Its name in the table of known servers, where that is known. */
  readonly server: string | undefined;
  readonly weight: number;
  readonly priority: number;
  readonly concurrency: number;
}

/** Opens one server of an entry, by its place there; and what can be known of it. */
export function openModelServer(
  { backend, profile, address, name, known = knowing(backend), ...shares }: ModelServer,
  at: number,
  match: string,
) {
  const { weight = 1, priority = 0, concurrency = Number.POSITIVE_INFINITY } = shares;
  const { list, contexts, health } = known;
  // OpenAI's own tells no context: it shortens inputs by itself.
  const told = profile.isOpenAI ? undefined : contexts;
  const server: OpenServer = {
    id: `${at} ${address.urlHost}`,
    prepare: (call) => backend.prepare(name === undefined ? call : { ...call, model: name }, profile),
    forward(request) {
      if (!backend.forward) throw notSpoken(request, address);
      return backend.forward(name === undefined ? request : { ...request, model: name }, profile);
    },
    health,
    learnContext: (model, context) => told?.learn(name ?? model, context),
    list: (signal) => backend.models(signal),
    address: name === undefined ? address : { ...address, name },
    match,
    server: profile.server,
    ...{ weight, priority, concurrency },
  };
  return { server, known: { name, list, contexts: told } };
}

function notSpoken({ api }: Parameters<Forward>[0], { backend }: ModelAddress): ApiError {
  const why = `is of a server with \`backend: ${backend}\`, which has no /v1${api.path}: an entry of \`models\` with \`backend: chat\` has it`;
  return unsupported('model', why);
}

/**
 * Caches the list of a backend for an interval, since anybody may ask; concurrent callers share one request. A failed request
 * keeps the previous list.
 */
function cachedList(backend: Backend): ModelList {
  let lastCall = Number.NEGATIVE_INFINITY;
  let models: readonly OfferedModel[] = [];
  let pending = Promise.resolve(models);
  return (timeout) => {
    const now = performance.now();
    if (now - lastCall >= fixedLimits.listingInterval) {
      lastCall = now;
      pending = backend.models(AbortSignal.timeout(timeout)).then(
        (result) => {
          models = result.map((model) => (typeof model === 'string' ? { id: model } : model));
          return models;
        },
        () => models,
      );
    }
    return pending;
  };
}
