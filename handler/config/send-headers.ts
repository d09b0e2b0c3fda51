import * as v from 'valibot';
import { HOP_HEADER } from '../backend/index.ts';
import { isObject, type JsonObject } from '../protocol/json.ts';

/** What a header can hold: no line breaks, and nothing beyond Latin-1. */
export const HEADER_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Headers that belong to the connection or the body, or hold credentials: rules leave them as they are. */
const OWN = new Set([
  ...['authorization', 'proxy-authorization', 'host', HOP_HEADER],
  ...['content-length', 'content-type', 'content-encoding', 'accept-encoding', 'transfer-encoding', 'expect'],
  ...['connection', 'proxy-connection', 'keep-alive', 'te', 'trailer', 'upgrade'],
]);

const header = v.pipe(
  v.string('must be the name of a header'),
  v.regex(/^[\w!#$%&*+.^|~-]{1,128}$/, 'must be the name of a header, such as x-team'),
  v.transform((name) => name.toLowerCase()),
  v.check(
    (name) => !OWN.has(name),
    'is a header that is not for rules: it belongs to the connection, or holds the key',
  ),
);

const text = v.pipe(
  v.string('must be a text, in quotes where it is a number'),
  v.regex(HEADER_TEXT, 'must be one line that a header can hold'),
);

const texts = v.optional(
  v.pipe(
    v.custom<JsonObject>(isObject, `must have headers, such as { x-team: "\${header:x-team}" }`),
    v.check(namesOnce, 'must not have a header twice'),
    v.record(header, text),
  ),
);

function namesOnce(headers: JsonObject): boolean {
  const names = Object.keys(headers);
  return new Set(names.map((name) => name.toLowerCase())).size === names.length;
}

/** Rules for the headers of requests to a model's server. */
export const headers = v.pipe(
  v.strictObject({
    set: texts,
    add: texts,
    remove: v.optional(v.array(header, 'must be a list of headers, such as [x-debug]')),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { set = {}, add = {}, remove = [] } = dataset.value;
    const names = [...Object.keys(set), ...Object.keys(add), ...new Set(remove)];
    const twice = names.find((name, at) => names.indexOf(name) < at);
    if (twice) addIssue({ message: `has ${twice} in two of set, add and remove: leave it in one` });
  }),
);
