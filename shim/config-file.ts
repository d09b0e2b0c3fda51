import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';

/** The environment, as process.env has it. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Reads a YAML file as `parseConfig` does; a file that cannot be read is an Error naming it. */
export async function readConfigFile(file: string, env: Env): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`cannot read ${file}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  return parseConfig(text, file, env);
}

/**
 * A YAML mapping as a plain object, with every `${NAME}` in its values (not its keys) replaced from `env`. Throws an
 * Error that names the file and the line of bad YAML, or the key and the variable that is not set. No keys are checked.
 */
export function parseConfig(text: string, file: string, env: Env): Record<string, unknown> {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true });
  const [problem] = document.errors;
  if (problem) throw new Error(`${file}:${lineAt(text, problem.pos[0])}: ${problem.message}`);
  const value: unknown = document.toJS() ?? {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${file}: expected a mapping of keys to values at the top`);
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaced(inner, key, file, env)]));
}

function replaced(value: unknown, path: string, file: string, env: Env): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{([A-Za-z_]\w*)\}/g, (_, name: string) => {
      const found = env[name];
      if (found === undefined) throw new Error(`${file}: ${path}: the environment variable ${name} is not set`);
      return found;
    });
  }
  if (Array.isArray(value)) return value.map((inner, index) => replaced(inner, `${path}[${index}]`, file, env));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, replaced(inner, `${path}.${key}`, file, env)]),
    );
  }
  return value;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
