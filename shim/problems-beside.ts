import { type Config, ConfigError, type ConfigProblem } from '../handler/index.ts';
import { unreachable } from './backends/unreachable.ts';
import { checkCosts } from './cel.ts';
import { checkOutside } from './check-outside.ts';
import { DEFAULT_DATABASE } from './database.ts';
import type { Flags } from './flags.ts';

/** The expression of an entry that has none. */
const NO_COST = '0u';

/** How a part of a configuration is read, and the flags of the start. */
export interface BesideOptions {
  /** Throws a ConfigError. */
  read: (part: object) => Config;
  flags: Partial<Flags>;
}

/**
 * The mistakes that need other keys, files or a library to be found, in a configuration that has others: expressions of `costs`,
 * entries of `models` that are never reached, listeners, TLS files, the database, processes. So all of a file are told at once.
 */
export async function problemsBeside(
  problems: readonly ConfigProblem[],
  written: unknown,
  options: BesideOptions,
): Promise<ConfigProblem[]> {
  const known = new Set(problems.map(({ path }) => path.join('\0')));
  const { costs, models } = Object(written);
  const found = [
    ...(await problemsOf(checkCosts({ costs: costRules(listOf(costs)) }))),
    ...lostModels(listOf(models)),
    ...(await problemsOf(checkOutside(rightParts(problems, Object(written), options), options.flags))),
  ];
  return found.filter(({ path }) => !known.has(path.join('\0')));
}

/** The mistakes that some work ends with. What is wrong with the command line is told once the configuration is right. */
async function problemsOf(work: Promise<unknown>): Promise<readonly ConfigProblem[]> {
  try {
    await work;
    return [];
  } catch (error) {
    return error instanceof ConfigError ? error.problems : [];
  }
}

/** What a configuration says of the outside where that is right, each listener, file and URL by itself; else what says nothing. */
function rightParts(
  problems: readonly ConfigProblem[],
  { listen, tls, auth, proof, database, processes, models }: Record<string, unknown>,
  { read }: BesideOptions,
) {
  const tryRead = (part: object): Partial<Config> => {
    try {
      return read(part);
    } catch (error) {
      if (error instanceof ConfigError) return {};
      throw error;
    }
  };
  const each = <K extends 'listen' | 'tls'>(key: K, value: unknown, names: readonly string[]): Config[K] =>
    Object.assign({}, ...names.map((name) => tryRead({ [key]: { [name]: Object(value)[name] } })[key]));
  // Who is asked who he is cannot be known where the keys that say so are wrong, or may be meant by others.
  const keys = ['auth', 'tls', 'proof', ...(Array.isArray(auth) ? ['listen'] : [])];
  const isUncertain = problems.some(({ path, isKey }) => keys.includes(path[0] ?? '') || (isKey && path.length === 1));
  return {
    listen: each('listen', listen, ['grpc', 'http', 'envoy', 'admin']),
    tls: each('tls', tls, ['grpc', 'http']),
    auth: isUncertain ? ('none' as const) : tryRead({ auth }).auth,
    proof: tryRead({ proof }).proof,
    database: tryRead({ database }).database ?? DEFAULT_DATABASE,
    processes: tryRead({ processes }).processes ?? 1,
    models: listOf(models).map(({ url, to }) => {
      const servers = to === undefined ? { url } : { to: listOf(to).map(({ url }) => ({ url })) };
      const [model] = tryRead({ models: [{ match: '*', backend: 'chat', ...servers }] }).models ?? [];
      return model ?? { match: '*', backend: 'demo' as const };
    }),
  };
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(Object) : [];
}

function costRules(entries: readonly Record<string, unknown>[]): Config['costs'] {
  return entries.map(({ cel }) => ({ match: '*', name: 'cost', cel: typeof cel === 'string' ? cel : NO_COST }));
}

/** Of entries without a pattern nothing is said: what has none takes nothing, and is wrong for that. */
function lostModels(entries: readonly Record<string, unknown>[]): ConfigProblem[] {
  const patterns = entries.map(({ match }) => (typeof match === 'string' && match !== '' ? match : undefined));
  const lost = unreachable(patterns.map((match, index) => ({ match: match ?? `\0${index}` })));
  return lost.filter(({ path: [, index] }) => patterns[Number(index)] !== undefined);
}
