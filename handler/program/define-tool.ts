import type { Caller } from '../caller.ts';
import { ConfigError, type ConfigProblem } from '../config/problems.ts';
import { ApiError } from '../errors.ts';
import { didYouMean } from '../nearest.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import type { ConfiguredFunction, FunctionAnswer } from '../tools/functions/configured-function.ts';
import type { TraceHeaders } from '../trace-headers.ts';
import { type ArgumentsOf, argumentsBy, type FunctionSchema, parametersOf } from './function-schema.ts';

/** What a function is told beside its arguments. */
export interface FunctionContext {
  /** Who sent the request. */
  readonly caller: Caller;
  /** Aborts when the client leaves, the turn ends, or `limits.tool` has passed. */
  readonly signal: AbortSignal;
  /** Headers for requests of its own, so that its trace goes on there. */
  readonly trace?: TraceHeaders;
}

/** A function that this server runs, as a program defines it. */
export interface ToolDefinition<S extends FunctionSchema> {
  /** How the model calls it, and a request names it: letters, digits, `_` and `-`. */
  name: string;
  /** What it does, for the model. */
  description: string;
  /** Its arguments, as JSON Schema (then they come unchecked) or as a schema of a library. Default: none. */
  schema?: S;
  /** What the model is told of the arguments, where the library's schema does not tell. */
  parameters?: JsonObject;
  /** Whether every turn is offered it, or those whose request names it. Default: `named`. */
  offer?: 'always' | 'named';
  /** The tenants that have it. Default: everybody. */
  tenants?: readonly string[];
  /**
   * Runs one call. What it returns the model reads: a text as it is, anything else as JSON. Of an ApiError that it throws the model reads the
   * message, of any other error that the call failed.
   */
  run(args: ArgumentsOf<S>, context: FunctionContext): unknown;
}

const KEYS = ['name', 'description', 'schema', 'parameters', 'offer', 'tenants', 'run'];

/** A function for `tools` of `defineConfig`, or `functions` of `createHandler`. Throws a ConfigError with every mistake in it. */
export function defineTool<S extends FunctionSchema>(tool: ToolDefinition<S>): ConfiguredFunction {
  const { name, description, schema, offer = 'named', tenants, run } = tool;
  const parameters = tool.parameters ?? parametersOf(schema);
  const problems = problemsOf({ ...tool }, parameters);
  if (problems.length > 0) throw new ConfigError(problems);
  const read = argumentsBy(schema);
  return {
    definition: { type: 'function', name, description, parameters: parameters ?? {}, strict: false },
    offer,
    tenants,
    async run(written, signal, { caller, trace }): Promise<FunctionAnswer> {
      const args = await read(written);
      if ('wrong' in args) return failed(args.wrong);
      try {
        const given = await run(args.value, { caller, signal, ...(trace && { trace }) });
        if (given === undefined) return { output: 'Done.' };
        return { output: typeof given === 'string' ? given : JSON.stringify(given) };
      } catch (error) {
        if (!(error instanceof ApiError) || signal.aborted) throw error;
        return failed(error.message);
      }
    },
  };
}

function failed(text: string): FunctionAnswer {
  return { error: { type: 'mcp_tool_execution_error', content: [{ type: 'text', text }] } };
}

/** What is wrong, whatever its types say: a file may be JavaScript. */
function problemsOf(tool: Readonly<Record<string, unknown>>, parameters: JsonObject | undefined): ConfigProblem[] {
  const { name, description, offer, tenants, run } = tool;
  const at = typeof name === 'string' ? name : '?';
  const problems: ConfigProblem[] = [];
  const add = (key: string, says: string) => problems.push({ path: ['tools', at, key], says });
  for (const key of Object.keys(tool))
    if (!KEYS.includes(key)) add(key, `is not a key that is known${didYouMean(key, KEYS)}`);
  if (typeof name !== 'string' || !/^(?!mcp_)[\w-]{1,64}$/.test(name))
    add('name', 'must be 1 to 64 letters, digits, underscores or dashes, and not begin with mcp_');
  if (typeof description !== 'string' || description === '')
    add('description', 'must say what the function does, for the model');
  if (!parameters) add('schema', 'tells no JSON Schema: give one as `parameters` beside it');
  else if (parameters.type !== 'object') add('schema', 'must be of an object, since arguments are one');
  if (offer !== undefined && offer !== 'always' && offer !== 'named') add('offer', 'must be always or named');
  if (
    tenants !== undefined &&
    !(Array.isArray(tenants) && tenants.length > 0 && tenants.every((one) => typeof one === 'string'))
  )
    add('tenants', 'must be a list of names');
  if (typeof run !== 'function') add('run', 'must be a function');
  return problems;
}

/** Whether a value is a function of `defineTool`, or one like it. */
export function isConfiguredFunction(value: unknown): value is ConfiguredFunction {
  if (!isObject(value) || typeof value.run !== 'function' || !isObject(value.definition)) return false;
  return typeof value.definition.name === 'string' && (value.offer === 'always' || value.offer === 'named');
}
