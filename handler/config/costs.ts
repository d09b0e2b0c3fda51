import * as v from 'valibot';

const text = v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'));

/** Names that the metadata of a turn has for something else. */
const TAKEN = [
  'backend',
  'tenant',
  'user',
  'response_id',
  'previous_response_id',
  'conversation',
  'finish',
  'error_code',
];

/** One entry of `costs`; its expression is compiled by the handler. */
const cost = v.strictObject({
  match: text,
  name: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.regex(/^[a-z][a-z0-9_]{0,63}$/, 'must be 1 to 64 small letters, digits and underscores, a letter first'),
      v.check((name) => !TAKEN.includes(name), `must be none of ${TAKEN.join(', ')}`),
    ),
    'llm_cost',
  ),
  cel: text,
});

/** The list of `costs`. */
export const costs = v.optional(v.array(cost, 'must be a list'), []);
