import type { Identify } from '../caller.ts';
import { ConfigError, type ConfigProblem } from '../config/problems.ts';
import type { Hooks } from '../hooks/hooks.ts';
import { didYouMean } from '../nearest.ts';
import { isObject } from '../protocol/json.ts';
import type { ConfiguredFunction } from '../tools/functions/configured-function.ts';
import { isConfiguredFunction } from './define-tool.ts';

/** What `antiphon.config.ts` has beside the configuration. */
export interface ProgramConfig {
  /** Functions that this server runs, each of `defineTool`. */
  tools?: readonly ConfiguredFunction[];
  /** Tells callers apart, in place of `auth`. */
  identify?: Identify;
  /** Sees every request, and every response before it ends. */
  hooks?: Hooks;
}

const KEYS = ['tools', 'identify', 'hooks'];
const HOOKS = ['before', 'after', 'passOn'];

/** The default export of `antiphon.config.ts`. Throws a ConfigError with every mistake in it. */
export function defineConfig(config: ProgramConfig): ProgramConfig {
  const problems = problemsOf(config);
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

/** What a program's file exports; throws a ConfigError where that is no ProgramConfig. */
export function programConfig(exported: unknown): ProgramConfig {
  if (isObject(exported)) return defineConfig(exported);
  throw new ConfigError([{ path: ['default'], says: 'must be what is exported: export default defineConfig({ … })' }]);
}

function problemsOf(config: { [Key in keyof ProgramConfig]: unknown }): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (path: string[], says: string) => problems.push({ path, says });
  const unknown = (given: object, known: readonly string[], path: string[]) => {
    for (const key of Object.keys(given))
      if (!known.includes(key)) add([...path, key], `is not a key that is known${didYouMean(key, known)}`);
  };
  unknown(config, KEYS, []);
  const { tools = [], identify, hooks = {} } = config;
  if (!Array.isArray(tools)) add(['tools'], 'must be a list');
  else {
    const names = new Set<string>();
    for (const [index, tool] of tools.entries()) {
      if (!isConfiguredFunction(tool)) add(['tools', String(index)], 'must be of defineTool');
      else if (names.has(tool.definition.name)) add(['tools', String(index)], 'has the name of another');
      else names.add(tool.definition.name);
    }
  }
  if (identify !== undefined && typeof identify !== 'function') add(['identify'], 'must be a function');
  if (!isObject(hooks)) add(['hooks'], 'must have before, after or passOn, each a function');
  else {
    unknown(hooks, HOOKS, ['hooks']);
    for (const name of HOOKS)
      if (hooks[name] !== undefined && typeof hooks[name] !== 'function') add(['hooks', name], 'must be a function');
  }
  return problems;
}
