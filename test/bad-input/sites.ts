import type { Step } from '../../handler/http/openapi/json-schema.ts';
import { alternatives, isOptional, literals, resolve, signature, unwrap } from '../support/schema.ts';

/** Where a value stands below a body: names of members, and places in lists. */
export type Path = readonly (string | number)[];

/** One place of an example whose value can be replaced. */
export interface Site {
  path: Path;
  schema: Step;
  optional: boolean;
}

/** The types of JSON. */
export type Kind = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';

/** Every member that the example's objects have or could have, and every entry of its lists and records. */
export function sitesOf(schema: Step, value: unknown, seen: (signature: string) => void, path: Path = []): Site[] {
  const whole = resolve(schema, value);
  if (whole.entries) seen(signature(whole));
  return children(whole, value).flatMap(([key, below]) => {
    const at = [...path, key];
    const inside = (value as Record<string, unknown>)?.[key];
    const site = { path: at, schema: below, optional: typeof key === 'string' && isOptional(below) };
    return [site, ...(inside === undefined ? [] : sitesOf(below, inside, seen, at))];
  });
}

function children(schema: Step, value: unknown): [string | number, Step][] {
  if (typeof value !== 'object' || value === null) return [];
  const { entries, item, value: ofRecord } = schema;
  if (entries) return [...Object.entries(entries), ['unheard_of', UNKNOWN]];
  if (item && Array.isArray(value)) return value.map((_, index) => [index, item]);
  if (ofRecord) return Object.keys(value).map((key) => [key, ofRecord]);
  return [];
}

/** What a member is that no schema has. */
const UNKNOWN: Step = { kind: 'schema', type: 'unknown' };

/** As errors name a place. */
export function nameOf(path: Path): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
    .join('')
    .replace(/^\./, '');
}

/** The types that a schema may accept, whatever else it asks. */
export function kindsOf(schema: Step): Set<Kind> {
  const kinds = new Set<Kind>();
  if (schema.type === 'nullable' || schema.type === 'nullish' || isOptional(schema)) kinds.add('null');
  const inner = unwrap(schema);
  if (schema !== inner) return new Set([...kinds, ...kindsOf(schema.wrapped ?? inner)]);
  if (inner.getter) return new Set(alternatives(inner).flatMap((other) => [...kindsOf(other)]));
  for (const kind of KINDS[inner.type] ?? []) kinds.add(kind);
  return kinds;
}

const KINDS: Record<string, readonly Kind[]> = {
  string: ['string'],
  picklist: ['string'],
  literal: ['string'],
  number: ['number'],
  boolean: ['boolean'],
  array: ['array'],
  object: ['object'],
  loose_object: ['object'],
  record: ['object'],
  variant: ['object'],
  custom: ['object'],
  unknown: ['null', 'boolean', 'number', 'string', 'array', 'object'],
};

/** Whether no request with this value there may succeed: it is of a wrong type, out of a list, or out of range. */
export function isWrong(schema: Step, value: unknown): boolean {
  if (!kindsOf(schema).has(kindOf(value))) return true;
  if (typeof value === 'string') return literals(schema)?.includes(value) === false;
  if (typeof value !== 'number') return false;
  return (unwrap(schema).pipe ?? []).some(({ type, requirement }) => {
    if (type === 'min_value') return value < Number(requirement);
    if (type === 'max_value') return value > Number(requirement);
    return type === 'integer' && !Number.isInteger(value);
  });
}

function kindOf(value: unknown): Kind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value as Kind; // JSON has no others
}
