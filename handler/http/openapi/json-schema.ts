/** A JSON Schema (2020-12), as OpenAPI 3.1 uses it. */
export type JsonSchema = { [keyword: string]: unknown };

/** A valibot schema or a step of its pipe, with the members that valibot documents and that are read here or by tests. */
export interface Step {
  readonly kind: string;
  readonly type: string;
  readonly entries?: Readonly<Record<string, Step>>;
  readonly item?: Step;
  readonly key?: string | Step;
  readonly value?: Step;
  readonly wrapped?: Step;
  readonly default?: unknown;
  readonly options?: readonly (Step | string)[];
  readonly literal?: unknown;
  readonly pipe?: readonly Step[];
  readonly requirement?: unknown;
  readonly message?: unknown;
  readonly getter?: (input: unknown) => Step;
}

/** Sample values for lazy schemas, which depend only on the kind of value or item. */
const PROBES = ['', {}, { type: '' }, { id: '' }];

/**
 * Converts valibot schemas to JSON Schema. Those in `names` become references; `overrides` replace what valibot
 * cannot express. A schema is looser than its checks: the server refuses what it refuses.
 */
export function createConverter(names: ReadonlyMap<object, string>, overrides: ReadonlyMap<object, JsonSchema>) {
  const convert = (schema: object): JsonSchema => {
    const name = names.get(schema);
    return name === undefined ? define(schema) : { $ref: `#/components/schemas/${name}` };
  };
  /** The schema's definition, in place of a reference to it. */
  const define = (schema: object): JsonSchema => {
    const instead = overrides.get(schema);
    if (instead) return instead;
    const { pipe, ...own } = schema as Step; // what valibot documents of its schema objects
    if (!pipe) return plain(own);
    const at = pipe.findLastIndex(({ kind }) => kind === 'schema');
    // The last schema of a pipe is the most specific. The first is the pipe itself, without its steps.
    const base = at <= 0 ? plain(own) : convert(pipe[at] ?? own);
    return Object.assign({ ...base }, ...pipe.slice(at + 1).map((step) => bounds(step, base)));
  };
  const plain = (schema: Step): JsonSchema => {
    const { entries, item, key, value, wrapped, options = [], getter } = schema;
    switch (schema.type) {
      case 'string':
      case 'number':
      case 'boolean':
        return { type: schema.type };
      case 'picklist':
        return { type: 'string', enum: options };
      case 'literal':
        return { type: 'string', const: schema.literal };
      case 'custom':
        return { type: 'object' };
      case 'never':
        return { type: 'null', description: String(schema.message) };
      case 'array':
        return { type: 'array', items: item ? convert(item) : {} };
      case 'record':
        return {
          type: 'object',
          ...(typeof key === 'object' && { propertyNames: convert(key) }),
          ...(value && { additionalProperties: convert(value) }),
        };
      case 'object':
      case 'loose_object':
        return members(entries ?? {});
      case 'variant':
        return { anyOf: options.filter((option) => typeof option === 'object').map(convert) };
      case 'lazy':
        return { anyOf: distinct(PROBES.map((probe) => convert(getter?.(probe) ?? {}))) };
      case 'optional':
        return withDefault(convert(wrapped ?? {}), schema);
      case 'nullable':
      case 'nullish':
        return withDefault(orNull(convert(wrapped ?? {})), schema);
      default:
        return { description: 'not supported yet: anything but null, false or an empty list is refused' };
    }
  };
  const members = (entries: Readonly<Record<string, Step>>): JsonSchema => {
    const required = Object.keys(entries).filter((name) => !/^(optional|nullish)$/.test(entries[name]?.type ?? ''));
    const properties = Object.fromEntries(Object.entries(entries).map(([name, schema]) => [name, convert(schema)]));
    return { type: 'object', properties, ...(required.length > 0 && { required }) };
  };
  return { convert, define };
}

function orNull(schema: JsonSchema): JsonSchema {
  if (schema.type === 'null') return schema;
  if (Array.isArray(schema.anyOf)) return { ...schema, anyOf: [...schema.anyOf, { type: 'null' }] };
  if (typeof schema.type !== 'string' || 'const' in schema) return { anyOf: [schema, { type: 'null' }] };
  const type = [schema.type, 'null'];
  return Array.isArray(schema.enum) ? { ...schema, type, enum: [...schema.enum, null] } : { ...schema, type };
}

function withDefault(schema: JsonSchema, { default: value }: Step): JsonSchema {
  if (value === undefined) return schema;
  return { ...schema, default: schema.type === 'integer' ? Number(value) : value }; // a query has texts
}

function distinct(schemas: readonly JsonSchema[]): JsonSchema[] {
  return [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
}

/** The keywords that one step of a pipe adds. */
function bounds({ type, requirement, message }: Step, { type: of }: JsonSchema): JsonSchema {
  const unit = of === 'array' ? 'Items' : 'Length';
  switch (type) {
    case 'integer':
      return { type: 'integer' };
    case 'min_value':
      return { minimum: requirement };
    case 'max_value':
      return { maximum: requirement };
    case 'non_empty':
      return { [`min${unit}`]: 1 };
    case 'max_length':
      return { [`max${unit}`]: requirement };
    case 'max_entries':
      return { maxProperties: requirement };
    case 'regex':
      return requirement instanceof RegExp ? { pattern: requirement.source } : {};
    case 'check':
      return typeof message === 'string' ? { description: message } : {};
    default:
      return {};
  }
}
