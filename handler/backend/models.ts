import { ApiError } from '../errors.ts';
import { matcher } from '../pattern.ts';
import type { Backend } from './backend.ts';

/** One entry of the configuration's `models`: names that match the pattern go to the backend. */
export interface ModelRoute {
  /** A name, or a pattern in which each `*` stands for any run of characters. */
  match: string;
  backend: Backend;
  /** Tokens that its model holds, where the configuration says. */
  context?: number | undefined;
}

/** Which backend answers for which model. */
export interface Models {
  /** The first entry that matches; throws `model_not_found`. */
  find(model: string): ModelRoute;
  /** Literal names, then what the backends behind patterns list; one that does not answer in time is left out. */
  list(timeout: number): Promise<string[]>;
}

/** The models of a configuration, in its order. */
export function modelsOf(routes: readonly ModelRoute[]): Models {
  const tests = routes.map((route) => ({ ...route, matches: matcher(route.match) }));
  return {
    find(model) {
      const found = tests.find(({ matches }) => matches(model));
      if (found) return found;
      throw new ApiError('model_not_found', 'The model is not one that this server offers.', { param: 'model' });
    },
    async list(timeout) {
      const signal = AbortSignal.timeout(timeout);
      const lists = tests.map(async ({ match, backend, matches }) => {
        if (!match.includes('*')) return [match];
        const offered = await backend.models(signal).catch(() => []);
        return offered.filter(matches);
      });
      return [...new Set((await Promise.all(lists)).flat())];
    },
  };
}
