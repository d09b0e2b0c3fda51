// biome-ignore-all lint/suspicious/noExplicitAny: a schema is JSON of any form
/** Whether a value fits a JSON Schema of the document; knows the keywords that the document uses, and no others. */
export function fits(document: any, schema: any, value: any): boolean {
  const unknown = Object.keys(schema).find((keyword) => !(keyword in keywords) && !SILENT.has(keyword));
  if (unknown) throw new Error(`the document uses ${unknown}, which the checker does not know`);
  return Object.entries(schema).every(
    ([keyword, argument]) =>
      keywords[keyword]?.(argument as any, value, (schema, value) => fits(document, schema, value), document) ?? true,
  );
}

/** Those that refuse nothing. */
const SILENT = new Set(['description', 'default', 'examples']);

type Keyword = (argument: any, value: any, fits: (schema: any, value: any) => boolean, document: any) => boolean;

const isText = (value: unknown) => typeof value === 'string';
const isNumber = (value: unknown) => typeof value === 'number';
const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

const types: Record<string, (value: unknown) => boolean> = {
  string: isText,
  number: isNumber,
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: Array.isArray,
  object: isObject,
};

const keywords: Record<string, Keyword> = {
  $ref: (path, value, fits, document) => fits(document.components.schemas[path.split('/').at(-1)], value),
  type: (names, value) => [names].flat().some((name) => types[name]?.(value)),
  enum: (values, value) => values.includes(value),
  const: (only, value) => value === only,
  anyOf: (schemas, value, fits) => schemas.some((schema: any) => fits(schema, value)),
  required: (names, value) => !isObject(value) || names.every((name: string) => Object.hasOwn(value, name)),
  properties: (schemas, value, fits) =>
    !isObject(value) ||
    Object.keys(schemas).every((name) => !Object.hasOwn(value, name) || fits(schemas[name], value[name])),
  additionalProperties: (schema, value, fits) =>
    !isObject(value) || Object.values(value).every((member) => fits(schema, member)),
  propertyNames: (schema, value, fits) => !isObject(value) || Object.keys(value).every((name) => fits(schema, name)),
  maxProperties: (most, value) => !isObject(value) || Object.keys(value).length <= most,
  items: (schema, value, fits) => !Array.isArray(value) || value.every((item) => fits(schema, item)),
  minItems: (least, value) => !Array.isArray(value) || value.length >= least,
  maxItems: (most, value) => !Array.isArray(value) || value.length <= most,
  minLength: (least, value) => !isText(value) || value.length >= least,
  maxLength: (most, value) => !isText(value) || value.length <= most,
  pattern: (source, value) => !isText(value) || new RegExp(source, 'u').test(value),
  minimum: (least, value) => !isNumber(value) || value >= least,
  maximum: (most, value) => !isNumber(value) || value <= most,
};
