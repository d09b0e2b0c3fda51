import { isObject } from '../../protocol/json.ts';
import type { ModelFunction } from './tools.ts';

/** Members of a schema that hold schemas by name, and those that hold a list of them. */
const BY_NAME = ['properties', '$defs', 'definitions'];
const LISTS = ['anyOf', 'allOf', 'oneOf'];

/**
 * The definition of a function for a server that holds a model to strict ones: `strict` is asked for where the client has
 * left it out, as it is by default in the API, if the schema is as strict functions need it. It is not changed for that.
 */
export function askStrict({ definition }: ModelFunction): ModelFunction['definition'] {
  const { strict, parameters } = definition;
  return strict == null && isObject(parameters) && isClosed(parameters) ? { ...definition, strict: true } : definition;
}

/** Whether every object of a schema has only its own properties, and all of them are required. */
function isClosed(schema: unknown): boolean {
  if (!isObject(schema)) return true;
  const { properties, required = [], items } = schema;
  if (schema.type === 'object' || properties !== undefined) {
    const names = isObject(properties) ? Object.keys(properties) : [];
    const isRequired = new Set(Array.isArray(required) ? required : []);
    if (schema.additionalProperties !== false || !names.every((name) => isRequired.has(name))) return false;
  }
  const byName = BY_NAME.flatMap((name) => (isObject(schema[name]) ? Object.values(schema[name]) : []));
  const listed = LISTS.flatMap((name) => (Array.isArray(schema[name]) ? schema[name] : []));
  return [items, ...byName, ...listed].every(isClosed);
}
