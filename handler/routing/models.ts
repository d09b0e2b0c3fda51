import type { Backend, ModelCall, Prepare, ServerProfile } from '../backend/backend.ts';
import { ApiError, wordOf } from '../errors.ts';
import { fixedLimits } from '../limits.ts';
import { matcher } from '../pattern.ts';
import { ModelContexts } from './contexts.ts';

/** Where a model is, for those who are told of its turns: the name of its backend, and the host of the URL, where it has one. */
export interface ModelAddress {
  backend: string;
  urlHost: string | null;
}

/** An entry of the configuration's `models`: names that match the pattern go to the backend. */
export interface ModelRoute {
  /** A name, or a pattern in which each `*` matches any characters. */
  match: string;
  backend: Backend;
  /** What is known of the backend's server. Default: nothing. */
  known?: KnownBackend;
  address: ModelAddress;
  /** Profile of the server behind the backend. */
  profile: ServerProfile;
  /** Context window of the model in tokens, where the configuration says. */
  context?: number | undefined;
}

/** A backend with what is known of its server's models. */
export interface KnownBackend {
  readonly backend: Backend;
  readonly contexts: ModelContexts;
  /** The ids of its models, within `timeout` milliseconds. */
  readonly list: (timeout: number) => Promise<readonly string[]>;
}

/** A backend of which nothing is known yet. */
export function knowing(backend: Backend): KnownBackend {
  return { backend, contexts: new ModelContexts(backend), list: cachedList(backend) };
}

/** A model by its route. */
export interface RoutedModel {
  prepare: Prepare;
  /** The pattern of its entry. */
  match: string;
  /** Its server's name in the table of known servers, where that is known. */
  server: string | undefined;
  address: ModelAddress;
  /** Context window in tokens, where the configuration says. */
  context: number | undefined;
  /** The same, where its server tells or has named it; undefined where it does not within `timeout` milliseconds. */
  toldContext(timeout: number): Promise<number | undefined>;
  /** Takes in the context that its server has named. */
  learnContext(context: number): void;
}

/** Routes model names to backends. */
export interface Models {
  /** Finds the first matching entry; throws `model_not_found`. */
  find(model: string): RoutedModel;
  /**
   * Lists literal names, then what the backends behind patterns list, each cached for some seconds; a backend that does not
   * answer in time counts with its previous list.
   */
  list(timeout: number): Promise<string[]>;
  /**
   * Whether a request may name it, as far as can be told: an entry names it, or the backend behind a pattern lists it, or lists
   * nothing at all.
   */
  has(model: string, timeout: number): Promise<boolean>;
}

/** The error of a name that no entry of `models` matches, or whose server does not list it. */
export function unknownModel(model: string): ApiError {
  const name = wordOf(model);
  return new ApiError('model_not_found', `The model ${name ? `${name} ` : ''}is not one that this server offers.`, {
    param: 'model',
  });
}

/** Builds the router of a configuration, in its order. */
export function modelsOf(routes: readonly ModelRoute[]): Models {
  const entries = routes.map(
    ({ match, backend, address, known: { list, contexts } = knowing(backend), profile, context }) => ({
      match,
      matches: matcher(match),
      list,
      model: {
        prepare: (call: ModelCall) => backend.prepare(call, profile),
        match,
        server: profile.server,
        address,
        context,
      },
      // OpenAI's own tells none: it shortens inputs by itself.
      contexts: profile.isOpenAI ? undefined : contexts,
    }),
  );
  return {
    find(model) {
      const entry = entries.find(({ matches }) => matches(model));
      if (entry) {
        const { contexts } = entry;
        return {
          ...entry.model,
          toldContext: async (timeout) => contexts?.of(model, timeout),
          learnContext: (context) => contexts?.learn(model, context),
        };
      }
      throw unknownModel(model);
    },
    async has(model, timeout) {
      const entry = entries.find(({ matches }) => matches(model));
      if (!entry?.match.includes('*')) return entry !== undefined;
      const names = await entry.list(timeout);
      return names.length === 0 || names.includes(model);
    },
    async list(timeout) {
      const lists = entries.map(async ({ match, list, matches }) => {
        if (!match.includes('*')) return [match];
        return (await list(timeout)).filter(matches);
      });
      return [...new Set((await Promise.all(lists)).flat())];
    },
  };
}

/**
 * Caches the list of a backend for an interval, since anybody may ask; concurrent callers share one request. A failed request
 * keeps the previous list.
 */
function cachedList(backend: Backend): (timeout: number) => Promise<readonly string[]> {
  let lastCall = Number.NEGATIVE_INFINITY;
  let names: readonly string[] = [];
  let pending = Promise.resolve(names);
  return (timeout) => {
    const now = performance.now();
    if (now - lastCall >= fixedLimits.listingInterval) {
      lastCall = now;
      pending = backend.models(AbortSignal.timeout(timeout)).then(
        (result) => {
          names = result;
          return result;
        },
        () => names,
      );
    }
    return pending;
  };
}
