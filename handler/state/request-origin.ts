import type { Attributes } from '../attributes.ts';
import type { Caller } from '../caller.ts';
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
  /** Who sent it, by the names of Caller. */
  caller?: Origin;
}

/** Who sent a request, as it is kept. */
export type Origin = Pick<Caller, 'tenant' | 'user' | 'project' | 'key'>;

/** Reads what is stored; undefined where an older program has stored nothing, or a newer one what this one cannot read. */
export function readRequestOrigin(stored: string): RequestOrigin | undefined {
  try {
    const value: unknown = JSON.parse(stored);
    if (!isObject(value) || value.version !== 1 || typeof value.request_id !== 'string') return undefined;
    const { request_id, trace, attributes, caller } = value;
    const place = isObject(trace) ? traceHeaders(textOf(trace.traceparent), textOf(trace.tracestate)) : undefined;
    const kept = isObject(attributes) ? Object.entries(attributes).filter(isText) : [];
    return {
      version: 1,
      request_id,
      ...(place && { trace: place }),
      ...(kept.length > 0 && { attributes: Object.fromEntries(kept) }),
      ...(isObject(caller) && { caller: readOrigin(caller) }),
    };
  } catch {
    return undefined;
  }
}

function readOrigin({ tenant, user, project, key }: JsonObject): Origin {
  const known = Object.entries({ tenant, user, project, key }).filter(isText);
  return Object.fromEntries(known);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isText(entry: [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string';
}
