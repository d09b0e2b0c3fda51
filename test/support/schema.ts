import type { Step } from '../../handler/http/openapi/json-schema.ts';
import { clientTools } from '../../handler/protocol/tools.ts';

/** Any schema of valibot's, whose own types say less of what is inside. */
export function look(schema: object): Step {
  return schema as Step; // what valibot documents of its schema objects
}

/** What a lazy schema decides by: the kinds of value, and of item. */
const PROBES = ['', [], {}, { id: 'x' }, { type: 'message' }];

/** The schemas that a lazy one may turn into. */
export function alternatives({ getter }: Step): Step[] {
  return getter ? [...new Set(PROBES.map((probe) => getter(probe)))] : [];
}

/** The schema below `optional` and `nullable`. */
export function unwrap(schema: Step): Step {
  return schema.wrapped ? unwrap(schema.wrapped) : schema;
}

/** Whether a member may be left out; then null is to mean the same. */
export function isOptional({ type }: Step): boolean {
  return type === 'optional' || type === 'nullish';
}

/** The options of a variant by which it can be told apart. */
export function variants({ options = [] }: Step): Step[] {
  return options.filter((option) => typeof option === 'object');
}

/** The texts that a picklist or a literal admits, or undefined for any other schema. */
export function literals(schema: Step): string[] | undefined {
  const inner = unwrap(schema);
  if (inner.type === 'literal') return [String(inner.literal)];
  return inner.type === 'picklist' ? (inner.options ?? []).map(String) : undefined;
}

/** The schema that reads a value: decided where it depends on the value, and of tools the one of their type. */
export function resolve(schema: Step, value: unknown): Step {
  const inner = unwrap(schema);
  if (inner.getter) return resolve(inner.getter(value), value);
  if (inner.type === 'variant') {
    const key = String(inner.key);
    const fits = ({ entries }: Step) => {
      const names = entries?.[key] && literals(entries[key]);
      return names?.includes(String(memberOf(value, key)));
    };
    return variants(inner).find(fits) ?? inner;
  }
  const type = String(memberOf(value, 'type'));
  if (inner.type === 'loose_object' && Object.hasOwn(clientTools, type)) {
    return look(clientTools[type as keyof typeof clientTools]); // hasOwn has just said so
  }
  const further = inner.pipe?.slice(1).find(({ kind }) => kind === 'schema');
  return further ? resolve(further, value) : inner;
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

/** What stands for an object schema wherever it was made: its members, and what its literals say. */
export function signature({ entries = {} }: Step): string {
  return Object.entries(entries)
    .map(([name, schema]) => `${name}${schema.type === 'literal' ? `=${schema.literal}` : ''}`)
    .join(' ');
}

/** Every object schema that can be reached from one, by its signature. */
export function objectsIn(schema: Step, found = new Map<string, Step>(), seen = new Set<Step>()) {
  if (seen.has(schema)) return found;
  seen.add(schema);
  if (schema.entries) found.set(signature(schema), schema);
  const below = [
    ...Object.values(schema.entries ?? {}),
    ...variants(schema),
    ...alternatives(schema),
    ...(schema.pipe ?? []).filter((step) => step !== schema && step.kind === 'schema'),
    ...[schema.wrapped, schema.item, schema.value].filter((next) => typeof next === 'object'),
  ];
  for (const next of below) objectsIn(next, found, seen);
  return found;
}
