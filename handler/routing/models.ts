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
export interface OfferedModel {
  prepare: Prepare;
  /** Tokens that it holds, where the configuration says. */
  context: number | undefined;
}

/** Which backend answers for which model. */
export interface Models {
  /** The first entry that matches; throws `model_not_found`. */
  find(model: string): OfferedModel;
  /**
   * Literal names, then what the backends behind patterns list, each asked at most once in some seconds; one that does not
   * answer in time counts with what it listed last.
   */
  list(timeout: number): Promise<string[]>;
}

/** The models of a configuration, in its order. */
export function modelsOf(routes: readonly ModelRoute[]): Models {
  const tests = routes.map(({ match, backend, profile, context }) => ({
    match,
    matches: matcher(match),
    offered: offering(backend),
    model: { prepare: (call: ModelCall) => backend.prepare(call, profile), context },
  }));
  return {
    find(model) {
      const found = tests.find(({ matches }) => matches(model));
      if (found) return found.model;
      throw new ApiError('model_not_found', 'The model is not one that this server offers.', { param: 'model' });
    },
    async list(timeout) {
      const lists = tests.map(async ({ match, offered, matches }) => {
        if (!match.includes('*')) return [match];
        return (await offered(timeout)).filter(matches);
      });
      return [...new Set((await Promise.all(lists)).flat())];
    },
  };
}

/**
 * What a backend lists, asked at most once an interval: anybody may ask, and all who ask at the same time wait for one answer. While it
 * does not answer, it is what it listed last.
 */
function offering(backend: Backend): (timeout: number) => Promise<readonly string[]> {
  let asked = Number.NEGATIVE_INFINITY;
  let known: readonly string[] = [];
  let last = Promise.resolve(known);
  return (timeout) => {
    const now = performance.now();
    if (now - asked >= fixedLimits.listingInterval) {
      asked = now;
      last = backend.models(AbortSignal.timeout(timeout)).then(
        (listed) => {
          known = listed;
          return listed;
        },
        () => known,
      );
    }
    return last;
  };
}
