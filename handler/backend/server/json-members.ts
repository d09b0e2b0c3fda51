import { endOfString } from '../../parse-json.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** From where to where a value stands in a text. */
export type Span = readonly [from: number, to: number];

/**
 * Where the values of these members of an object stand in its JSON, those of the object itself alone; of a name that is there
 * twice, the last. Nothing is parsed, so a text that is no JSON has them somewhere or nowhere.
 */
export function memberSpans(text: string, names: readonly string[]): Map<string, Span> {
  const spans = new Map<string, Span>();
  let depth = 0;
  let key: string | undefined;
  let isKey = false;
  let value: { name: string; from: number } | undefined;
  const close = (at: number) => {
    if (value) spans.set(value.name, [value.from, at]);
    value = undefined;
  };
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      const end = endOfString(text, at + 1);
      if (depth === 1 && isKey) key = text.slice(at + 1, end);
      isKey = false;
      at = end;
    } else if (char === OPEN_OBJECT || char === OPEN_LIST) {
      isKey = ++depth === 1;
    } else if (char === CLOSE_OBJECT || char === CLOSE_LIST) {
      if (depth === 1) close(at);
      if (--depth === 0) break;
    } else if (depth === 1 && char === COLON && key !== undefined) {
      if (names.includes(key)) value = { name: key, from: at + 1 };
      key = undefined;
    } else if (depth === 1 && char === COMMA) {
      close(at);
      isKey = true;
    }
  }
  return spans;
}
