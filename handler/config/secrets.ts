import * as v from 'valibot';
import { didYouMean } from '../nearest.ts';
import { isObject } from '../protocol/json.ts';
import type { ConfigProblem } from './problems.ts';
import { fillIn } from './substitute.ts';

/** Where the configuration has a secret; `*` is any entry of a list, or any member. */
const PLACES = [
  ...['models.*.key', 'models.*.proxy', 'models.*.to.*.key', 'models.*.to.*.proxy'],
  ...['tools.*.http.headers.*', 'webhooks.*.secret', 'secrets.*.key', 'proof.value', 'hosted.web_search.key'],
  ...['mcp.*.headers.*', 'mcp.*.credentials.*.headers.*', 'mcp.*.env.*'],
  ...['database', 'database.url', 'database.read', 'database.admin'],
];

/** Where it has the path of a file whose text takes its place, which is no secret. */
const FILE_PLACES = ['models.*.ca', 'models.*.to.*.ca'];

/** The text of a secret. A root that has files has put it in the place of `{ file: PATH }`. */
export const secretText = v.string(
  'must be a text: only the Node server reads one that is { file: PATH }, and a Worker has bindings',
);

/** What was read from files, secrets and certificates: the texts by path, and what was wrong. */
export interface SecretFiles {
  texts: ReadonlyMap<string, string>;
  problems: readonly ConfigProblem[];
}

/** Gives the text of a file, and rejects with an Error that says what is wrong with it. */
type ReadFile = (file: string) => Promise<string>;

/**
 * Reads each secret that a configuration, as it is written, has as `{ file: PATH }`, and the certificates that it has as the path of a
 * file.
 */
export async function readSecretFiles(
  written: unknown,
  env: Readonly<Record<string, unknown>>,
  read: ReadFile,
  readCertificates: ReadFile = read,
): Promise<SecretFiles> {
  const texts = new Map<string, string>();
  const problems: ConfigProblem[] = [];
  for (const [path, value] of FILE_PLACES.flatMap((place) => valuesAt(written, place.split('.')))) {
    const file = fillIn(value, env, path, []); // what is not set is told with all others
    if (typeof file !== 'string' || file.includes('-----BEGIN')) continue;
    try {
      texts.set(path.join('\0'), await readCertificates(file));
    } catch (error) {
      problems.push({ path, says: `is a file: ${error instanceof Error ? error.message : error}` });
    }
  }
  const all = PLACES.flatMap((place) => valuesAt(written, place.split('.')));
  for (const [path, value] of all) {
    if (!isObject(value)) continue;
    // A place may hold others, as `database` does: then it is no secret itself.
    const inside = PLACES.flatMap((place) =>
      place.startsWith(`${path.join('.')}.`) ? place.split('.').slice(-1) : [],
    );
    if (inside.some((key) => key in value)) continue;
    const wrong: ConfigProblem[] = [];
    const { file: as, ...others } = value;
    const file = fillIn(as, env, path, wrong);
    if (wrong.length > 0) continue; // told with all others
    const unknown = Object.keys(others);
    for (const key of unknown) {
      const says = `is not a key that is known${didYouMean(key, ['file', ...inside])}`;
      problems.push({ path: [...path, key], says, isKey: true });
    }
    if (unknown.length > 0) continue;
    if (typeof file !== 'string' || file === '') {
      problems.push({ path, says: 'must be a text, or { file: PATH }' });
      continue;
    }
    try {
      texts.set(path.join('\0'), await read(file));
    } catch (error) {
      problems.push({ path, says: `is in a file: ${error instanceof Error ? error.message : error}` });
    }
  }
  return { texts, problems };
}

/** The same configuration with the texts of secrets in their places. */
export function withSecrets(value: unknown, texts: SecretFiles['texts'], path: readonly string[] = []): unknown {
  if (texts.size === 0) return value;
  const text = texts.get(path.join('\0'));
  if (text !== undefined) return text;
  if (Array.isArray(value)) return value.map((inner, index) => withSecrets(inner, texts, [...path, String(index)]));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withSecrets(inner, texts, [...path, key])]),
  );
}

/** The values at a place, each with its path. */
function valuesAt(
  value: unknown,
  [name, ...rest]: readonly string[],
  path: readonly string[] = [],
): [path: readonly string[], value: unknown][] {
  if (name === undefined) return [[path, value]];
  if (name === '*') {
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([name, entry]) => valuesAt(entry, rest, [...path, name]));
  }
  return isObject(value) ? valuesAt(value[name], rest, [...path, name]) : [];
}
