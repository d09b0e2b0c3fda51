import * as v from 'valibot';
import { isObject, isShallow, type JsonObject } from './json.ts';

/** OpenResponses' bounds, in characters: of one text value, and of a call id. The longest id is our own. */
const MAX_TEXT = 10_485_760;
const MAX_CALL_ID = 64;
const MAX_ID = 256;

/** An optional member that clients also send as null; both mean "not given". */
export function maybe<S extends v.GenericSchema>(schema: S) {
  return v.optional(v.nullable(schema));
}

/** A member that is known and cannot be honoured: anything but null is refused; `why` completes the sentence. */
export function notSupported(why: string) {
  return v.nullish(v.never(`is not supported; ${why}`));
}

/** A text value from a client, at most 10,485,760 characters. */
export const Text = v.pipe(v.string(), v.maxLength(MAX_TEXT));

/** A JSON Schema or other object that is handed on without being looked into; at most 100 levels deep. */
export const AnyObject = v.custom<JsonObject>((value) => isObject(value) && isShallow(value));

/** An object none of whose members is required: valibot's own schema would take a list for one that has none. */
export function options<E extends v.ObjectEntries>(entries: E) {
  return v.pipe(AnyObject, v.object(entries));
}

const INHERITED = ['__proto__', 'prototype', 'constructor'];

/** Before a record, whose names are the client's own: refuses those that records drop without a word. */
export const OwnNames = v.check(
  (given: JsonObject) => !INHERITED.some((name) => Object.hasOwn(given, name)),
  `must not have members named ${INHERITED.join(', ')}`,
);

/** An item's id, without what a database may not take in a key: control characters, and halves of surrogate pairs. */
export const Id = maybe(
  v.pipe(
    v.string(),
    v.maxLength(MAX_ID),
    v.check((id) => !/[\p{Cc}\p{Cs}]/u.test(id), 'must not hold control characters'),
  ),
);

/** A whole number from 0 on. */
export const Count = maybe(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER)));

/** The id by which a call and its output belong together. */
export const CallId = v.pipe(v.string(), v.nonEmpty(), v.maxLength(MAX_CALL_ID));

/** How far an item has come, replayed by a client. */
export const Status = maybe(v.picklist(['in_progress', 'completed', 'incomplete']));

/** Who made a call: the model itself. The other answer, a program, is of programmatic tool calling, which is not there. */
export const Caller = maybe(v.object({ type: v.literal('direct') }));

/** The name of a function, as OpenAI restricts it; model servers get a shorter one (`items/wire-name.ts`). */
export const FunctionName = v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]{1,128}$/));
