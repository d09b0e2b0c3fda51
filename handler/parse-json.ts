import { ApiError } from './errors.ts';
import { fixedLimits } from './limits.ts';
import { isObject, type JsonObject } from './protocol/json.ts';

const { scannedJson, jsonMembers, jsonDepth } = fixedLimits;

/** Characters of a string read one by one before `indexOf` searches for the quote. */
const STRIDE = 16;

const decoder = new TextDecoder('utf-8', { fatal: true });

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Thrown for JSON past a bound; the message says which. */
class ExcessiveJson extends Error {}

/**
 * Parses JSON. A text above `fixedLimits.scannedJson` characters is scanned first, since the parsed value may take
 * many times its size in memory. Throws an Error for more than `members` members, nesting deeper than
 * `fixedLimits.jsonDepth`, or invalid JSON.
 */
export function parseJson(text: string, members: number = jsonMembers): unknown {
  if (text.length > scannedJson) countMembers(text, members);
  return JSON.parse(text);
}

/** The object that a text is the JSON of; undefined for any other text. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value = parseJson(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a text is JSON, within the bounds of what is parsed. */
export function isJson(text: string): boolean {
  try {
    parseJson(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * The same as `parseJson` for what a client sent, in UTF-8 where it is bytes; `name` says what that is. Throws an ApiError, 400, that says
 * what the bound is.
 */
export function parseClientJson(json: string | Uint8Array, name: string): unknown {
  try {
    return parseJson(typeof json === 'string' ? json : decoder.decode(json));
  } catch (cause) {
    const excess = cause instanceof ExcessiveJson;
    const message = excess ? `We do not parse ${name}: it ${cause.message}.` : `We could not parse ${name}.`;
    throw new ApiError('malformed_json', message, { cause });
  }
}

/**
 * Counts the members of all lists and objects: commas plus lists and objects, so an empty one counts twice. Throws an
 * Error above `max`, and for nesting deeper than `fixedLimits.jsonDepth`.
 */
export function countMembers(text: string, max: number): number {
  let members = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) at = endOfString(text, at + 1);
    else if (char === CLOSE_LIST || char === CLOSE_OBJECT) depth--;
    else {
      const opens = char === OPEN_LIST || char === OPEN_OBJECT;
      if (opens && ++depth > jsonDepth) throw new ExcessiveJson(`is nested deeper than ${jsonDepth} levels`);
      if ((opens || char === COMMA) && ++members > max) throw new ExcessiveJson(`has more than ${max} members`);
    }
  }
  return members;
}

/** The index of the closing quote of the string that begins at `at`. */
export function endOfString(text: string, at: number): number {
  for (;;) {
    const near = Math.min(text.length, at + STRIDE);
    for (; at < near; at++) {
      const char = text.charCodeAt(at);
      if (char === QUOTE) return at;
      if (char === BACKSLASH) at++;
    }
    const quote = text.indexOf('"', at);
    if (quote < 0) return text.length;
    let escapes = quote;
    while (escapes > at && text.charCodeAt(escapes - 1) === BACKSLASH) escapes--;
    if ((quote - escapes) % 2 === 0) return quote;
    at = quote + 1;
  }
}
