import { type Caller, DEFAULT_TENANT } from './caller.ts';
import { ApiError } from './errors.ts';
import { fixedLimits } from './limits.ts';
import { isObject } from './protocol/json.ts';

/** What of a caller rules may send on to a model's server, as `${tenant}` and so on. */
export const callerNames = ['tenant', 'user', 'project', 'key'] as const;

/**
 * What rules may send on of a request, by the names that `${…}` has for it: `tenant`, and `header:x-team` for one of the client's
 * headers, as it came. What is not known is absent.
 */
export type RequestValues = Readonly<Record<string, string>>;

const HEADER = 'header:';

/** What stands between `${` and `}`: a name of the caller, or of a header. */
const REFERENCE = /\$\{(tenant|user|project|key|header:[\w!#$%&*+.^|~-]{1,128})\}/g;

/** The names that texts in a value refer to. */
export function referencesIn(value: unknown): string[] {
  if (typeof value === 'string') return Array.from(value.matchAll(REFERENCE), ([, name = '']) => name.toLowerCase());
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  return isObject(value) ? Object.values(value).flatMap(referencesIn) : [];
}

/** The header that a name refers to; undefined for one of the caller. */
export function headerIn(name: string): string | undefined {
  return name.startsWith(HEADER) ? name.slice(HEADER.length) : undefined;
}

/**
 * A value of a JSON body with the texts in it filled in; a member or entry that refers to what is not known is left out, and the
 * whole is undefined if it is such a text itself.
 */
export function withValues(value: unknown, values: RequestValues = {}): unknown {
  if (typeof value === 'string') return filled(value, values, decoded);
  if (Array.isArray(value)) return value.map((entry) => withValues(entry, values)).filter(isThere);
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(([name, inner]) => [name, withValues(inner, values)] as const);
  return Object.fromEntries(members.filter(([, inner]) => isThere(inner)));
}

/**
 * The text of a header, filled in; undefined where it refers to what is not known. A client's header goes on as it came. What is
 * known of the caller is percent-encoded, but for printable ASCII without `%`, so that no two names become one.
 */
export function headerWithValues(text: string, values: RequestValues = {}): string | undefined {
  return filled(text, values, (value, name) => (headerIn(name) === undefined ? encoded(value) : harmless(value)));
}

type Write = (value: string, name: string) => string;

function filled(text: string, values: RequestValues, write: Write): string | undefined {
  if (!text.includes('${')) return text;
  let isKnown = true;
  const result = text.replace(REFERENCE, (_, written: string) => {
    const name = written.toLowerCase();
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    isKnown &&= value !== undefined;
    return value === undefined ? '' : write(value, name);
  });
  return isKnown ? result : undefined;
}

function isThere(value: unknown): boolean {
  return value !== undefined;
}

/** The text of a header, whose characters are bytes: UTF-8 where they are that, as many clients send it. */
function decoded(text: string): string {
  const codes = Array.from(text, (char) => char.charCodeAt(0));
  if (codes.every((code) => code < 0x80) || codes.some((code) => code > 0xff)) return text;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(codes));
  } catch {
    return text;
  }
}

/** Spaces at an end are lost on the way. */
function encoded(text: string): string {
  return text.toWellFormed().replace(/^ +| +$|%|[^\x20-\x7e]/gu, encodeURIComponent);
}

/** Without what breaks a header: no server lets it in, and this does not rely on that. */
function harmless(text: string): string {
  return text.toWellFormed().replace(/[^\t\x20-\x7e\x80-\xff]/gu, encodeURIComponent);
}

/** Reads of requests what the rules of a configuration send on. */
export interface RequestValuesReader {
  /** What is known; throws an ApiError for a header that is too long to be sent on. */
  read(caller: Omit<Caller, 'id'>, header: (name: string) => string | null | undefined): RequestValues;
}

/** The reader of what rules refer to by these names; undefined for none, so that nothing is read. */
export function requestValuesReader(names: readonly string[]): RequestValuesReader | undefined {
  const references = [...new Set(names)];
  if (references.length === 0) return undefined;
  return {
    read({ tenant = DEFAULT_TENANT, user, project, key }, header) {
      const caller: Record<string, string | undefined> = { tenant, user, project, key };
      const known = references.flatMap((name) => {
        const from = headerIn(name);
        const value = from === undefined ? caller[name] : header(from)?.trim();
        if (from !== undefined && value && value.length > fixedLimits.sentHeader) throw tooLong(from);
        return value ? [[name, value] as const] : [];
      });
      return Object.fromEntries(known);
    },
  };
}

/** The headers among them, by their names; undefined for none. */
export function headersAmong(values: RequestValues = {}): Record<string, string> | undefined {
  const headers = Object.entries(values).flatMap(([name, value]) => {
    const header = headerIn(name);
    return header === undefined ? [] : [[header, value] as const];
  });
  return headers.length > 0 ? Object.fromEntries(headers) : undefined;
}

function tooLong(name: string): ApiError {
  const says = `The header ${name} is longer than the ${fixedLimits.sentHeader} characters that are sent on to a model's server.`;
  return new ApiError('refused', says);
}
