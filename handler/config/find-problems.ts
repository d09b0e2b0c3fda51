import * as v from 'valibot';
import { didYouMean, nearest } from '../nearest.ts';
import { isObject } from '../protocol/json.ts';
import type { ConfigProblem } from './problems.ts';

/** The most unknown keys of one mapping that are told. */
const MAX_UNKNOWN = 100;

/** A value as a schema reads it, or every mistake in it. */
export type Read<T> = { output: T; problems?: undefined } | { output?: undefined; problems: ConfigProblem[] };

/**
 * Reads a value by a schema. A key that is not known is taken for the nearest one that is, and otherwise left out, so that what
 * else is wrong is found as well.
 */
export function findProblems<S extends v.GenericSchema>(schema: S, value: unknown): Read<v.InferOutput<S>> {
  const problems: ConfigProblem[] = [];
  const renamed = new Map<string, string>();
  /** The path as the configuration has it. */
  const written = (path: readonly string[]) =>
    path.map((key, at) => renamed.get(path.slice(0, at + 1).join('\0')) ?? key);
  for (let rest = value, left = MAX_UNKNOWN; ; left--) {
    const result = v.safeParse(schema, rest);
    if (result.success) return problems.length === 0 ? { output: result.output } : { problems };
    const [unknown, others] = [
      result.issues.filter(isUnknownKey),
      result.issues.filter((issue) => !isUnknownKey(issue)),
    ];
    if (unknown.length === 0 || left === 0) {
      const told = new Set<string>();
      for (const issue of others) {
        const path = written(pathOf(issue));
        if (!told.has(path.join('\0'))) problems.push({ path, says: explain(issue) });
        told.add(path.join('\0'));
      }
      return { problems };
    }
    for (const issue of unknown) {
      const path = pathOf(issue);
      const [key = '', parent] = [path.at(-1), path.slice(0, -1)];
      const known = keysAt(schema, rest, parent);
      problems.push({ path: written(path), says: `is not a key that is known${didYouMean(key, known)}`, isKey: true });
      const meant = nearest(key, known);
      const isFree = meant !== undefined && valueAt(rest, [...parent, meant]) === undefined;
      if (isFree) renamed.set([...parent, meant].join('\0'), key);
      rest = renameKey(rest, path, isFree ? meant : undefined);
    }
  }
}

function isUnknownKey({ type, expected }: v.BaseIssue<unknown>): boolean {
  return type === 'strict_object' && expected === 'never';
}

function pathOf(issue: v.BaseIssue<unknown>): string[] {
  return issue.path?.map(({ key }) => String(key)) ?? [];
}

function explain(issue: v.BaseIssue<unknown>): string {
  if (issue.received === 'undefined') return 'is missing';
  if (issue.type === 'strict_object') return 'must be a mapping of keys to values';
  const words = issue.type === 'picklist' ? [...(issue.expected ?? '').matchAll(/"([^"]+)"/g)] : [];
  return `${issue.message}${didYouMean(
    issue.input,
    words.map(([, word = '']) => word),
  )}`;
}

/** The same value without a key, or with another name for it. */
function renameKey(value: unknown, [key = '', ...below]: readonly string[], name: string | undefined): unknown {
  if (Array.isArray(value))
    return value.map((inner, at) => (String(at) === key ? renameKey(inner, below, name) : inner));
  if (!isObject(value)) return value;
  if (below.length > 0) return { ...value, [key]: renameKey(value[key], below, name) };
  const { [key]: inner, ...others } = value;
  return name === undefined ? others : { ...others, [name]: inner };
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce((at, key) => Object(at)[key], value);
}

/** What the schemas of a configuration are made of. */
interface Node {
  getter?(value: unknown): Node;
  wrapped?: Node;
  entries?: Readonly<Record<string, Node>>;
  item?: Node;
  value?: Node;
}

/** The keys that the mapping at a path may have. */
function keysAt(schema: unknown, value: unknown, path: readonly string[]): string[] {
  const node = schema as Node; // valibot's types do not tell what a schema is made of
  const inside = node.getter?.(value) ?? node.wrapped;
  if (inside) return keysAt(inside, value, path);
  const [key, ...below] = path;
  if (key === undefined) return Object.keys(node.entries ?? {});
  const inner = node.entries?.[key] ?? node.item ?? node.value;
  return inner ? keysAt(inner, valueAt(value, [key]), below) : [];
}
