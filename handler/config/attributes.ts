import * as v from 'valibot';
import { attributeTargets } from '../attributes.ts';
import { metadataNames } from './metadata-names.ts';
import { integer } from './quantity.ts';
import { unique } from './unique.ts';

/** Attributes of requests: each is read of every request, and may be a label of every series. */
const MAX_ATTRIBUTES = 16;

/** Names of headers whose values are secrets: as an attribute they would be in the log, and with whoever has the traces. */
export const SECRET_HEADER = /authorization|cookie|api[-_]?key|token|secret|password|credential|signature|session/;

/** Names that traces and metrics have already, and those that Prometheus gives to series by itself. */
const TAKEN =
  /^(antiphon|gen_ai|http|db|error|server|url|otel|service|telemetry|network|client|user_agent)([._]|$)|^(le|quantile|job|instance|__.*)$/;

const header = v.pipe(
  v.string('must be a text'),
  v.regex(/^[\w!#$%&*+.^|~-]{1,128}$/, 'must be the name of a header, such as x-team'),
  v.transform((name) => name.toLowerCase()),
  v.check((name) => !SECRET_HEADER.test(name), 'must not be a header with a secret, which would be in the log'),
);

const name = v.pipe(
  v.string('must be a text'),
  v.regex(/^[a-z][a-z\d_.]{0,63}$/, 'must be small letters, digits, underscores and dots, and begin with a letter'),
  v.check((name) => !TAKEN.test(name), 'is a name that traces or metrics have already: take another, such as team'),
);

const target = v.picklist(attributeTargets, `must be one of ${attributeTargets.join(', ')}`);

const attribute = v.pipe(
  v.strictObject({
    header,
    as: name,
    on: v.optional(v.pipe(v.array(target, 'must be a list'), v.nonEmpty('must not be empty')), ['log', 'spans']),
    values: v.optional(integer(1, 1_000), 100),
  }),
  v.forward(
    v.check(
      ({ as, on }) => !on.includes('metadata') || !metadataNames.includes(as),
      'is a name that the metadata has already, which no header may fill: take another, such as team',
    ),
    ['as'],
  ),
);

/** The schema of `attributes`. */
export const attributes = v.pipe(
  v.array(attribute, 'must be a list'),
  v.maxLength(MAX_ATTRIBUTES, `must have at most ${MAX_ATTRIBUTES} entries`),
  // Prometheus has underscores for both, and refuses all metrics of a process where a series has a label twice.
  unique(({ as }) => as.replace(/[._]+/g, '_'), '`as` (in which a dot is an underscore)'),
);
