import { matcher } from '../pattern.ts';
import type { ModelConfig } from './models.ts';
import type { ConfigProblem } from './problems.ts';

/** The fallbacks that no entry of `models` matches, or that their own does: both would never be asked. */
export function fallbackProblems(models: readonly ModelConfig[] = []): ConfigProblem[] {
  const matchers = models.map(({ match }) => matcher(match));
  return models.flatMap((model, index) =>
    'keys' in model || !model.fallback
      ? []
      : model.fallback.flatMap((name, at): ConfigProblem[] => {
          const found = matchers.findIndex((matches) => matches(name));
          if (found >= 0 && found !== index) return [];
          const says = found < 0 ? 'is matched by no entry of `models`' : 'is matched by its own entry first';
          return [{ path: ['models', String(index), 'fallback', String(at)], says }];
        }),
  );
}
