import type { Attributes } from '../attributes.ts';
import type { Budget, Caller } from '../caller.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';
import { type TraceHeaders, traceHeaders } from '../trace-headers.ts';

/**
 * What a background turn needs of the request that asked for it, which ended long before; its webhooks keep it too. Stored as
 * JSON: its names stay, whoever does not know a member ignores it, and what must not be ignored gets another version.
 */
export interface RequestOrigin {
  version: 1;
  /** The id of the request. */
  request_id: string;
  /** Its place in a trace, and its attributes, where it has them. */
  trace?: TraceHeaders;
  attributes?: Attributes;
  /** Headers that rules send on to its model's server. */
  headers?: Readonly<Record<string, string>>;
  /** Its `x-session-affinity`. */
  affinity?: string;
  /** Who sent it, by the names of Caller. */
  caller?: Origin;
  /** What its key may use, which is counted when the turn is made. */
  limited?: Limited;
}

/** Who sent a request, as it is kept. */
export type Origin = Pick<Caller, 'tenant' | 'user' | 'project' | 'key'>;

/** A key's limits as they are kept, with the id of its caller. */
export interface Limited {
  id: string;
  tokensPerMinute?: number;
  budgets?: readonly Budget[];
}

/** Reads what is stored; undefined where an older program has stored nothing, or a newer one what this one cannot read. */
export function readRequestOrigin(stored: string): RequestOrigin | undefined {
  try {
    const value: unknown = JSON.parse(stored);
    if (!isObject(value) || value.version !== 1 || typeof value.request_id !== 'string') return undefined;
    const { request_id, trace, attributes, headers, affinity, caller, limited } = value;
    const place = isObject(trace) ? traceHeaders(textOf(trace.traceparent), textOf(trace.tracestate)) : undefined;
    const kept = isObject(attributes) ? Object.entries(attributes).filter(isText) : [];
    return {
      version: 1,
      request_id,
      ...(place && { trace: place }),
      ...(kept.length > 0 && { attributes: Object.fromEntries(kept) }),
      ...(isObject(headers) && { headers: Object.fromEntries(Object.entries(headers).filter(isText)) }),
      ...(typeof affinity === 'string' && { affinity }),
      ...(isObject(caller) && { caller: readOrigin(caller) }),
      ...(isObject(limited) && { limited: readLimited(limited) }),
    };
  } catch {
    return undefined;
  }
}

function readOrigin({ tenant, user, project, key }: JsonObject): Origin {
  const known = Object.entries({ tenant, user, project, key }).filter(isText);
  return Object.fromEntries(known);
}

function readLimited({ id, tokensPerMinute, budgets }: JsonObject): Limited {
  return {
    id: textOf(id) ?? '',
    ...(typeof tokensPerMinute === 'number' && { tokensPerMinute }),
    ...(Array.isArray(budgets) && { budgets: budgets.filter(isBudget) }),
  };
}

function isBudget(value: unknown): value is Budget {
  const { cost, amount, window } = isObject(value) ? value : {};
  return typeof cost === 'string' && Number.isSafeInteger(amount) && Number.isSafeInteger(window) && Number(window) > 0;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isText(entry: [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string';
}
