import type { ApiError } from '../../errors.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { garbled } from './failure.ts';
import { nameIn } from './json-fields.ts';

/** Names of members that may hold a part of an answer, and of those that do not, though they sound like it. */
const CARRIES =
  /text|content|message|output|answer|response|result|delta|generat|tool|func|call|reason|think|audio|image|part|candidate|choice/i;
const DESCRIBES =
  /filter|usage|finish|stop|offset|finger|(^|_)(id|ids|type|role|name|format|time|status|index|count|model|object)$|signature|done_reason|metric|timing/i;

/** The members of a shape, and the levels of it, that are told. */
const MAX_MEMBERS = 12;
const MAX_DEPTH = 4;

/** The shape of an object's first member that may hold a part of an answer, beside those that are read; undefined if none does. */
export function unreadIn(part: JsonObject, read: ReadonlySet<string> = NOTHING): string | undefined {
  for (const [name, value] of Object.entries(part)) {
    if (!read.has(name) && CARRIES.test(name) && !DESCRIBES.test(name) && isFilled(value))
      return shapeOf({ [name]: value });
  }
  return undefined;
}

const NOTHING: ReadonlySet<string> = new Set();

/** The ApiError for an answer, or a part of one, that was not understood; its cause has the shape, and no text of it. */
export function notUnderstood(shape: string): ApiError {
  return garbled(`what is not understood, and may be the answer: ${shape}`);
}

/** A value with types in place of its texts and numbers. */
export function shapeOf(value: unknown, depth = 0): string {
  if (Array.isArray(value))
    return value.length === 0 ? '[]' : `[${depth < MAX_DEPTH ? shapeOf(value[0], depth + 1) : '...'}]`;
  if (!isObject(value)) return value === null ? 'null' : typeof value;
  const members = Object.entries(value).slice(0, depth < MAX_DEPTH ? MAX_MEMBERS : 0);
  return `{${members.map(([name, inner]) => `${nameIn(name) ?? '?'}: ${shapeOf(inner, depth + 1)}`).join(', ')}}`;
}

function isFilled(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isFilled);
  if (isObject(value)) return Object.values(value).some(isFilled);
  return typeof value === 'string' && value !== '';
}
