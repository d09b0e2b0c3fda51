import { parseJson } from '../../parse-json.ts';
import { isObject } from '../../protocol/json.ts';

/** The most characters of a text that are the server's own words; later ones may quote the request. */
const MAX_TEXT = 300;

/** The most texts and levels that are read: servers pass on one another's errors, each in a wrapping of its own. */
const MAX_TEXTS = 24;
const MAX_DEPTH = 16;

/** Members that hold an error, or lead to one. Others may repeat the request. */
const MEMBERS: ReadonlySet<string> = new Set([
  ...[
    'error',
    'errors',
    'message',
    'msg',
    'detail',
    'details',
    'metadata',
    'raw',
    'innererror',
    'cause',
    'body',
    'data',
    'fault',
    'faultstring',
  ],
  ...[
    'type',
    '__type',
    'error_type',
    'code',
    'error_code',
    'status',
    'reason',
    'param',
    'loc',
    'retryDelay',
    'Message',
  ],
  ...['error_msg', 'error_message', 'errorMessage', 'errorCode', 'title', 'description', 'status_code', 'statusCode'],
]);

/** What a server said of an error, whatever it is wrapped in. */
export interface ErrorWords {
  /** All of them, a line each: `code: 1113`. */
  gist: string;
  /** Those of the members of these names, outermost first. */
  all(...members: readonly string[]): string[];
}

/**
 * Reads an error in any wrapping: an object, a list, a text, or JSON in a text, below `error`, `detail`, `message` and
 * others. A body that is no JSON is one text.
 */
export function errorWords(body: unknown): ErrorWords {
  const texts: { member: string; text: string }[] = [];
  const read = (value: unknown, member: string, depth: number): void => {
    if (depth > MAX_DEPTH || texts.length >= MAX_TEXTS || value == null) return;
    if (Array.isArray(value)) {
      for (const entry of value.slice(0, MAX_TEXTS)) read(entry, member, depth + 1);
    } else if (isObject(value)) {
      for (const [name, inner] of Object.entries(value).slice(0, 64)) {
        if (MEMBERS.has(name)) read(inner, name, depth + 1);
      }
    } else {
      const text = String(value).trim();
      const inner = jsonIn(text);
      if (inner) read(inner, member, depth + 1);
      else if (text !== '') texts.push({ member, text: text.slice(0, MAX_TEXT) });
    }
  };
  read(body, 'message', 0);
  return {
    gist: texts.map(({ member, text }) => `${member}: ${text}`).join('\n'),
    all: (...members) => texts.filter(({ member }) => members.includes(member)).map(({ text }) => text),
  };
}

/** The list or object that a text is the JSON of. */
function jsonIn(text: string): object | undefined {
  if (!/^[[{]/.test(text)) return undefined;
  try {
    const value: unknown = parseJson(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
