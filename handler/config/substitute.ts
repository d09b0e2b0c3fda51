import { isObject } from '../protocol/json.ts';
import { ConfigError, type ConfigProblem } from './problems.ts';
import { hintAt, referenceAt } from './references.ts';

/** Replaces every `${NAME}` in values (not keys) from `env`; throws a ConfigError with every variable that is not set. */
export function substitute(value: unknown, env: Readonly<Record<string, unknown>>): unknown {
  const wrong: ConfigProblem[] = [];
  const filled = fillIn(value, env, [], wrong);
  if (wrong.length > 0) throw new ConfigError(wrong);
  return filled;
}

/**
 * The same value with every `${NAME}` replaced that is set; the others are added to `wrong`. What rules of requests refer to, such as
 * `${header:x-team}`, stays where it may stand.
 */
export function fillIn(
  value: unknown,
  env: Readonly<Record<string, unknown>>,
  path: readonly string[],
  wrong: ConfigProblem[],
): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{([A-Za-z_]\w*)(:[^}]*)?\}/g, (whole, name: string, header: string | undefined) => {
      const reference = referenceAt(path, name, header);
      if (reference?.problem) wrong.push({ path, says: reference.problem });
      if (reference || header !== undefined) return whole;
      const text = env[name];
      if (typeof text === 'string') return text;
      const hint = hintAt(path, name, Object.keys(env));
      wrong.push({ path, says: `needs the environment variable ${name}, which is not set${hint}` });
      return whole;
    });
  }
  if (Array.isArray(value)) return value.map((inner, index) => fillIn(inner, env, [...path, String(index)], wrong));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, fillIn(inner, env, [...path, key], wrong)]),
  );
}
