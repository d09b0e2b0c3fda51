import { DEFAULT_TENANT } from '../../caller.ts';
import { credentialsIn } from '../../config/mcp.ts';
import type { HttpFunction } from '../../config/tools.ts';
import { type Egress, EgressError } from '../../egress/egress.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { headerWithValues } from '../../request-values.ts';
import { scrubber } from '../scrubber.ts';
import type { ToolContext } from '../tool.ts';
import type { ConfiguredFunction, FunctionAnswer } from './configured-function.ts';
import { CUT, textOf } from './reply-text.ts';

/** What a call of a function may take. */
export interface FunctionBounds {
  /** Milliseconds to the end of the answer. */
  timeout: number;
  /** Bytes of an answer that the model reads. */
  maxBytes: number;
}

/** What of a failed request a model reads, in characters. */
const MAX_FAILURE = 4_000;

/** A function that is one request to a URL of the configuration. */
export function httpFunction(
  { name, description, parameters, url, method, headers, offer, tenants }: HttpFunction,
  egress: Egress,
  { timeout, maxBytes }: FunctionBounds,
): ConfiguredFunction {
  const ask = egress.open({
    maxBytes: Math.max(1, maxBytes - CUT.length), // so that it is cut once
    timeout,
    deadline: timeout,
    configured: url,
    credentials: Object.keys(headers),
  });
  // Some services repeat a key that they refuse.
  const scrub = scrubber(credentialsIn([...Object.entries(headers), ...new URL(url).searchParams], Infinity));
  return {
    definition: { type: 'function', name, description, parameters, strict: false },
    offer,
    tenants,
    async run(written, signal, context) {
      const args = argumentsIn(written);
      if (!args) return failure(400, 'The arguments are not a JSON object.');
      const isQuery = method === 'GET' || method === 'DELETE';
      const own = headersFor(headers, context);
      try {
        const reply = await ask(isQuery ? withQuery(url, args) : url, {
          method,
          headers: {
            accept: 'application/json, text/*;q=0.9, */*;q=0.1',
            ...(!isQuery && { 'content-type': 'application/json' }),
            ...context.trace,
            ...own,
          },
          ...(!isQuery && { body: JSON.stringify(args) }),
          signal,
        });
        const said = await textOf(reply);
        const text = said && scrub(said);
        if (!reply.ok)
          return failure(reply.status, `HTTP ${reply.status}${text ? `: ${text.slice(0, MAX_FAILURE)}` : ''}`);
        if (text === undefined) return failure(502, 'The answer is no text.');
        return { output: text === '' ? 'Done; the answer is empty.' : text };
      } catch (error) {
        if (!(error instanceof EgressError)) throw error;
        return failure(error.reason === 'timeout' ? 504 : 502, error.message);
      }
    },
  };
}

function failure(code: number, message: string): FunctionAnswer {
  return { error: { type: 'http_error', code, message } };
}

function argumentsIn(written: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(written.trim() === '' ? '{}' : written);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A URL with arguments in its query. What the configuration has there stays: no argument has its name. */
function withQuery(configured: string, args: JsonObject): URL {
  const url = new URL(configured);
  const fixed = new Set(url.searchParams.keys());
  for (const [name, value] of Object.entries(args)) {
    if (value == null || fixed.has(name)) continue;
    for (const one of Array.isArray(value) ? value : [value])
      url.searchParams.append(name, typeof one === 'string' ? one : JSON.stringify(one));
  }
  return url;
}

/** The configuration's headers with what they say of the caller. */
function headersFor(headers: Readonly<Record<string, string>>, { caller }: ToolContext): Record<string, string> {
  const { tenant = DEFAULT_TENANT, user, project, key } = caller;
  const known = Object.entries({ tenant, user, project, key }).filter(([, value]) => value !== undefined);
  const values = Object.fromEntries(known) as Record<string, string>; // without those that are not known
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, text]) => {
      const value = headerWithValues(text, values);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
