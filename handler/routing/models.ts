import type { Backend, ModelCall, Prepare, ServerProfile } from '../backend/backend.ts';
import { ApiError } from '../errors.ts';
import { fixedLimits } from '../limits.ts';
import { matcher } from '../pattern.ts';

/** One entry of the configuration's `models`: names that match the pattern go to the backend. */
export interface ModelRoute {
  /** A name, or a pattern in which each `*` stands for any run of characters. */
  match: string;
  backend: Backend;
  /** What is known of the server that it is sent to. */
  profile: ServerProfile;
  /** Tokens that its model holds, where the configuration says. */
  context?: number | undefined;
}

/** A model that is offered. */
export interface RoutedModel {
  prepare: Prepare;
  /** Tokens that it holds, where the configuration says. */
  context: number | undefined;
}

/** Which backend answers for which model. */
export interface Models {
  /** The first entry that matches; throws `model_not_found`. */
  find(model: string): RoutedModel;
  /**
   * Literal names, then what the backends behind patterns list, each asked at most once in some seconds; one that does not
   * answer in time counts with what it listed last.
   */
  list(timeout: number): Promise<string[]>;
}

/** The models of a configuration, in its order. */
export function modelsOf(routes: readonly ModelRoute[]): Models {
  const entries = routes.map(({ match, backend, profile, context }) => ({
    match,
    matches: matcher(match),
    list: cachedList(backend),
    model: { prepare: (call: ModelCall) => backend.prepare(call, profile), context },
  }));
  return {
    find(model) {
      const entry = entries.find(({ matches }) => matches(model));
      if (entry) return entry.model;
      throw new ApiError('model_not_found', 'The model is not one that this server offers.', { param: 'model' });
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
 * What a backend lists, asked at most once an interval: anybody may ask, and all who ask at the same time wait for one answer. While it
 * does not answer, it is what it listed last.
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
