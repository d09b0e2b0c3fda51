import { isObject, type JsonObject } from '../protocol/json.ts';

/** What of a library's schema is used, as the specifications Standard Schema and Standard JSON Schema have it. */
export interface LibrarySchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => LibraryResult<Output> | Promise<LibraryResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
    readonly jsonSchema?:
      | { readonly input: (options: { target: 'draft-2020-12' }) => Record<string, unknown> }
      | undefined;
  };
}

/** What such a schema says of a value. */
export type LibraryResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] };

/** The schema of a function's arguments: JSON Schema, or one of a library. */
export type FunctionSchema = JsonObject | LibrarySchema;

/** The arguments that a function gets. */
export type ArgumentsOf<S> = S extends LibrarySchema<infer Output> ? Output : JsonObject;

/** Arguments, or what is wrong with them, for the model. */
export type ReadArguments = { value: never } | { wrong: string };

/** The longest of that, in characters. */
const MAX_WRONG = 1_000;

function isOfLibrary(schema: FunctionSchema | undefined): schema is LibrarySchema {
  return (typeof schema === 'object' && '~standard' in schema) || typeof schema === 'function';
}

/** What the model is told of the arguments; undefined where the schema does not tell. */
export function parametersOf(schema: FunctionSchema | undefined): JsonObject | undefined {
  if (schema === undefined) return { type: 'object', properties: {} };
  if (!isOfLibrary(schema)) return isObject(schema) ? schema : undefined;
  const { $schema: _, ...told } = schema['~standard'].jsonSchema?.input({ target: 'draft-2020-12' }) ?? {};
  return Object.keys(told).length > 0 ? told : undefined;
}

/** Reads what a model wrote as arguments, by a schema. */
export function argumentsBy(schema: FunctionSchema | undefined): (written: string) => Promise<ReadArguments> {
  return async (written) => {
    const args = parsed(written);
    if (!args) return { wrong: 'The arguments are not a JSON object.' };
    if (!isOfLibrary(schema)) return { value: args as never }; // JSON Schema checks nothing here
    const result = await schema['~standard'].validate(args);
    if (!result.issues) return { value: result.value as never }; // what the schema says that it is
    const says = result.issues.map(({ message, path = [] }) => {
      const at = path.map((key) => String(isObject(key) ? key.key : key)).join('.');
      return at === '' ? message : `${at}: ${message}`;
    });
    return { wrong: `The arguments do not fit. ${says.join('; ')}`.slice(0, MAX_WRONG) };
  };
}

function parsed(written: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(written.trim() === '' ? '{}' : written);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
