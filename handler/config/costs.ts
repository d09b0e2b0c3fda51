import * as v from 'valibot';
import { metadataNames } from './metadata-names.ts';

const text = v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'));

/** The name of a cost. */
export const costName = v.pipe(
  v.string('must be a text'),
  v.regex(/^[a-z][a-z0-9_]{0,63}$/, 'must be 1 to 64 small letters, digits and underscores, a letter first'),
  v.check((name) => !metadataNames.includes(name), `must be none of ${metadataNames.join(', ')}`),
);

/** One entry of `costs`; its expression is compiled by the handler. */
const cost = v.strictObject({ match: text, name: v.optional(costName, 'llm_cost'), cel: text });

/** The list of `costs`. */
export const costs = v.optional(v.array(cost, 'must be a list'), []);
