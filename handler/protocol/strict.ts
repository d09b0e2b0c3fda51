import { isObject, type JsonObject } from './json.ts';

/** Keywords that strict schemas do not have. */
const LOOSE = ['oneOf', 'allOf', 'not', 'patternProperties', 'if', 'dependentSchemas', 'unevaluatedProperties'];

/** What of a function decides whether the model is held to its schema. */
interface Held {
  parameters?: unknown;
  strict?: boolean | null | undefined;
}

/**
 * A function as OpenAI takes it if `strict` is left out: held to its schema, with all properties required and no others;
 * unchanged where the schema admits what strict ones cannot, or there is none.
 */
export function strictByDefault<F extends Held>(fn: F): F {
  if (fn.strict != null || !isObject(fn.parameters) || fn.parameters.type !== 'object') return fn;
  const parameters = toStrict({ properties: {}, ...fn.parameters });
  return parameters ? { ...fn, parameters, strict: true } : fn;
}

/** The strict form of a schema; undefined where there is none. */
function toStrict(schema: unknown): JsonObject | undefined {
  if (!isObject(schema) || LOOSE.some((keyword) => keyword in schema)) return undefined;
  const strict = { ...schema };
  for (const name of ['properties', '$defs', 'definitions']) {
    if (schema[name] === undefined) continue;
    const members = isObject(schema[name]) ? toStrictMembers(schema[name]) : undefined;
    if (!members) return undefined;
    strict[name] = members;
  }
  if (schema.items !== undefined) {
    const items = toStrict(schema.items);
    if (!items) return undefined;
    strict.items = items;
  }
  if (schema.anyOf !== undefined) {
    const choices = Array.isArray(schema.anyOf) ? schema.anyOf.map(toStrict) : [undefined];
    if (choices.includes(undefined)) return undefined;
    strict.anyOf = choices;
  }
  const isOpen = schema.additionalProperties !== undefined && schema.additionalProperties !== false;
  if (isObject(strict.properties)) {
    return isOpen ? undefined : { ...strict, required: Object.keys(strict.properties), additionalProperties: false };
  }
  const isMap = schema.type === 'object' || (Array.isArray(schema.type) && schema.type.includes('object'));
  return isMap || isOpen ? undefined : strict;
}

function toStrictMembers(schemas: JsonObject): JsonObject | undefined {
  const members: [string, JsonObject][] = [];
  for (const [name, schema] of Object.entries(schemas)) {
    const strict = toStrict(schema);
    if (!strict) return undefined;
    members.push([name, strict]);
  }
  return Object.fromEntries(members);
}
