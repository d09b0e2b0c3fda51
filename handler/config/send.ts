import * as v from 'valibot';
import { isObject, type JsonObject } from '../protocol/json.ts';
import { headers } from './send-headers.ts';

const names = v.optional(
  v.array(v.string('must be the name of a member'), 'must be a list of members, such as [user]'),
);
const path = v.pipe(
  v.string(),
  v.regex(/^[^.]+(\.[^.]+)*$/, 'must be a path of members, such as metadata.team'),
  v.check((path) => !path.split('.').includes('__proto__'), 'must not hold __proto__'),
);

const flag = v.optional(v.boolean('must be true or false'));

/** What is sent to a model server, over what is known of it. */
export const send = v.strictObject({
  omit: names,
  keep: names,
  rename: v.optional(
    v.pipe(
      v.custom<JsonObject>(isObject, 'must have members, such as { max_tokens: max_completion_tokens }'),
      v.record(v.string(), v.pipe(v.string('must be the name of a member'), v.nonEmpty('must not be empty'))),
    ),
  ),
  set: v.optional(
    v.pipe(
      v.custom<JsonObject>(isObject, 'must have members, such as { metadata.team: blue }'),
      v.record(path, v.unknown()),
    ),
  ),
  headers: v.optional(headers),
  systemMessages: v.optional(v.picklist(['first', 'anywhere'], 'must be first or anywhere')),
  nullContent: flag,
  parallelToolCalls: flag,
  strictTools: flag,
  writtenCalls: flag,
});

/** The rules of one server, parsed. */
export type SendConfig = v.InferOutput<typeof send>;

/** The members that rules name as the protocol has them. */
export function membersOf({ omit = [], keep = [], rename = {} }: SendConfig): string[] {
  return [...omit, ...keep, ...Object.keys(rename)];
}
