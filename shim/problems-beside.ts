import { ConfigError, type ConfigProblem } from '../handler/index.ts';
import { unreachable } from './backends/unreachable.ts';
import { checkCosts } from './cel.ts';

/** The expression of an entry that has none. */
const NO_COST = '0u';

/**
 * The mistakes that need other entries or a library to be found, in a configuration that has others: expressions of `costs`, and
 * entries of `models` that are never reached. So all of a file are told at once.
 */
export async function problemsBeside(problems: readonly ConfigProblem[], written: unknown): Promise<ConfigProblem[]> {
  const known = new Set(problems.map(({ path }) => path.join('\0')));
  const { costs, models } = Object(written);
  const found = [...(await wrongCosts(listOf(costs))), ...lostModels(listOf(models))];
  return found.filter(({ path }) => !known.has(path.join('\0')));
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(Object) : [];
}

async function wrongCosts(entries: readonly Record<string, unknown>[]): Promise<ConfigProblem[]> {
  const costs = entries.map(({ cel }) => ({ match: '*', name: 'cost', cel: typeof cel === 'string' ? cel : NO_COST }));
  try {
    await checkCosts({ costs });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return [...error.problems];
    throw error;
  }
}

/** Of entries without a pattern nothing is said: what has none takes nothing, and is wrong for that. */
function lostModels(entries: readonly Record<string, unknown>[]): ConfigProblem[] {
  const patterns = entries.map(({ match }) => (typeof match === 'string' && match !== '' ? match : undefined));
  const lost = unreachable(patterns.map((match, index) => ({ match: match ?? `\0${index}` })));
  return lost.filter(({ path: [, index] }) => patterns[Number(index)] !== undefined);
}
