import fc from 'fast-check';

/** In every text that is sent; no reply may repeat it, but in quotes where a word of the API stands. */
export const MARK = 's3nt';

/** One value of each JSON type, as it is written; none is right anywhere. */
export const ofEachType = ['true', '7.25', `"${MARK}"`, `["${MARK}"]`, `{"${MARK}":"${MARK}"}`];

const numbers = [
  '-1',
  '0',
  '-0',
  '1e999',
  '-1e999',
  '1e-400',
  '1e308',
  '-1e308',
  '9007199254740993',
  '16.5',
  'NaN',
  '0x10',
  '01',
];

/** Texts that some part of a server might trip over: escapes, halves of pairs, names that every object has. */
const texts = [
  '',
  ' ',
  '\\u0000',
  '\\ud800',
  '\\udc00\\ud800',
  '\\u202e',
  '\\"\\\\',
  '\\r\\n\\r\\n',
  '1',
  'true',
  'null',
  '__proto__',
  'constructor',
  'toString',
  "'; DROP TABLE items; --",
  '{{name}}',
];

const keys = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'type',
  'length',
  '',
  '\\u0000',
  '\\ud800',
  '0',
];

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);

/** Objects in objects, this many. */
export const deep = (depth: number) => nested(depth, '{"a":', '}').replace('}', '7}');

/** Large and deep values, each by its name since nobody wants to read it. */
export const huge: Record<string, () => string> = {
  text: () => `"${MARK.repeat(250_000)}"`,
  'text of quotes': () => `"${MARK}${'\\"'.repeat(500_000)}"`,
  'list of numbers': () => `[${'7,'.repeat(99_999)}7]`,
  'list of objects': () => `[${'{},'.repeat(99_999)}{}]`,
  'many members': () => `{${Array.from({ length: 20_000 }, (_, index) => `"${index}":""`).join()}}`,
  'long name': () => `{"${'k'.repeat(1_000_000)}":7}`,
  'deep lists': () => nested(100_000, '[', ']'),
  'deep objects': () => deep(100_000),
  'deep typed objects': () => nested(100_000, '{"type":"message","role":"user","content":[', ']}'),
  'deep and open': () => '['.repeat(100_000),
};

const scalar = fc.oneof(
  fc.constantFrom('null', 'true', 'false', '{}', '[]', '[[]]', '[null]', '[{}]'),
  fc.constantFrom(...numbers),
  fc.constantFrom(...texts).map((text) => `"${MARK}${text}"`),
  fc.constantFrom(...texts).map((text) => `"${text}"`),
  fc.double().map(String),
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(MARK + text)),
);

const object = fc
  .array(fc.tuple(fc.constantFrom(...keys), scalar), { maxLength: 4 })
  .map((members) => `{${members.map(([key, value]) => `"${key}":${value}`).join()}}`);

/** Values as they are written, JSON or not. */
export const written = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 3, arbitrary: object },
  { weight: 1, arbitrary: fc.array(fc.oneof(scalar, object), { maxLength: 3 }).map((list) => `[${list.join()}]`) },
  { weight: 1, arbitrary: fc.json() },
);
