import * as v from 'valibot';
import { ApiError, unsupported, wordOf } from '../../errors.ts';
import { AnyObject, FunctionName, maybe } from '../../protocol/fields.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { isClientType } from '../../protocol/tools.ts';
import { check } from '../../validate.ts';
import { CacheControl } from './request.ts';

/** A tool of the Responses API, its members unchecked: the plan of a turn checks them. */
type ToolEntry = { type: string; [member: string]: unknown };

/** A tool that the client runs. */
const OwnTool = v.object({
  type: maybe(v.literal('custom')),
  name: FunctionName,
  description: maybe(v.string()),
  input_schema: AnyObject,
  strict: maybe(v.boolean()),
  defer_loading: maybe(v.boolean()),
  input_examples: maybe(v.array(AnyObject)),
  allowed_callers: maybe(v.array(v.literal('direct'))),
  eager_input_streaming: maybe(v.boolean()),
  cache_control: CacheControl,
});

/** The tools of Anthropic's servers that the Responses API has as well, by their names without a date. */
const HOSTED: Readonly<Record<string, string>> = { web_search: 'web_search', code_execution: 'code_interpreter' };

/** Tools whose schemas only Claude knows, and others that only Anthropic's servers run. */
const ANTHROPICS =
  /^(bash|text_editor|str_replace|computer|memory|browser|web_fetch|tool_search_tool|mcp_toolset|advisor)/;

/** The tools of a request, as far as the model may call them: some only once something in the conversation names them. */
export class OfferedTools {
  /** By their names: each with its place in the request. */
  readonly #known = new Map<string, { entry: ToolEntry; at: string }>();
  /** Those that are offered, in the order in which they came to be. */
  readonly #offered = new Map<string, { entry: ToolEntry; at: string }>();

  /** Reads `tools`. Throws an ApiError that names the field of one that is wrong. */
  constructor(tools: readonly JsonObject[]) {
    for (const [index, tool] of tools.entries()) this.#define(tool, `tools[${index}]`, tool.defer_loading === true);
  }

  /** Defines one more, and offers it. */
  define(tool: JsonObject, at: string): void {
    this.#define(tool, at, false);
  }

  /** Offers a tool of this name; throws an ApiError that names the field where there is none. */
  offer(name: string, at: string): void {
    const tool = this.#known.get(name);
    if (!tool) throw unsupported(at, `names ${wordOf(name) ?? 'a tool'}, which is not in tools`);
    this.#offered.set(name, tool);
  }

  /** Withdraws a tool. */
  withdraw(name: string): void {
    this.#offered.delete(name);
  }

  /** The type of a hosted tool that has this name; undefined for one that the client runs, and for none. */
  hostedType(name: string): string | undefined {
    const type = this.#offered.get(name)?.entry.type;
    return type === 'function' ? undefined : type;
  }

  /** The tools that are offered now, as the Responses API has them, and their places. */
  get list(): { tools: ToolEntry[]; places: string[] } {
    const offered = [...this.#offered.values()];
    return { tools: offered.map(({ entry }) => entry), places: offered.map(({ at }) => at) };
  }

  #define(tool: JsonObject, at: string, isDeferred: boolean): void {
    const entry = toEntry(tool, at);
    const name = typeof tool.name === 'string' ? tool.name : at;
    if (this.#known.has(name) && at.startsWith('tools')) {
      throw new ApiError('invalid_value', `${at}.name is the name of an earlier tool`, { param: `${at}.name` });
    }
    this.#known.set(name, { entry, at });
    if (!isDeferred) this.#offered.set(name, { entry, at });
  }
}

function toEntry(tool: JsonObject, at: string): ToolEntry {
  const { type } = tool;
  if (type == null || type === 'custom') {
    const { name, description, input_schema, strict, input_examples } = check(OwnTool, tool, at);
    return {
      type: 'function',
      name,
      description: [description, ...examplesIn(input_examples)].filter(Boolean).join('\n\n') || null,
      parameters: input_schema,
      strict: strict ?? false, // which is the API's default, and not that of the Responses API
    };
  }
  if (typeof type !== 'string') check(v.object({ type: v.string() }), tool, at);
  const kind = String(type).replace(/_20\d{6}$/, '');
  const { type: _type, name: _name, cache_control: _mark, ...members } = tool;
  const hosted = HOSTED[kind];
  if (hosted) return { type: hosted, ...inFilters(hostedMembers(members, at)) };
  if (isClientType(kind) || ANTHROPICS.test(kind)) {
    const word = wordOf(type) ?? 'it';
    throw unsupported(
      `${at}.type`,
      `is not supported: ${word} is known to Anthropic alone; give the tool an input_schema, and no type`,
    );
  }
  return { type: String(type), ...members };
}

/** The members of a hosted tool that say what it does: who calls it is the model, and what it has found is not shown. */
function hostedMembers(tool: JsonObject, at: string): JsonObject {
  const { defer_loading: _deferred, strict: _strict, response_inclusion: _shown, allowed_callers, ...members } = tool;
  if (allowed_callers == null || (Array.isArray(allowed_callers) && allowed_callers.includes('direct'))) return members;
  throw unsupported(`${at}.allowed_callers`, 'is not supported without "direct": the model itself calls tools here');
}

/** The members of a hosted tool, with the domains that Anthropic's has beside its others where OpenAI's has them. */
function inFilters({ allowed_domains, blocked_domains, ...members }: JsonObject): JsonObject {
  const given = Object.entries({ allowed_domains, blocked_domains }).filter(([, domains]) => domains != null);
  return given.length === 0 ? members : { ...members, filters: Object.fromEntries(given) };
}

function examplesIn(examples: readonly JsonObject[] | null | undefined): string[] {
  return (examples ?? []).map((example) => `Example of an input: ${JSON.stringify(example)}`);
}
