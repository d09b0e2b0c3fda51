import * as v from 'valibot';
import { isName, scopes } from '../caller.ts';
import { byEnvoy } from './auth-envoy.ts';
import { jwt } from './jwt.ts';
import { unique } from './unique.ts';
import { budgets, rates } from './windows.ts';

const text = v.string('must be a text');
/** The name of a tenant, a user or a project. */
export const name = v.pipe(text, v.check(isName, 'must be 1 to 256 characters without controls'));

/** A date, or a time with its zone, as milliseconds since 1970. YAML's own dates are texts here. */
const moment = v.pipe(
  text,
  v.regex(
    /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/,
    'must be a date such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z',
  ),
  v.transform((text) => Date.parse(text)),
  v.number('must be a date that there is'),
);

const most = v.optional(
  v.pipe(v.number('must be a number'), v.integer('must be a whole number'), v.minValue(1, 'must be at least 1')),
);

/** A key that is accepted, by its digest: whoever reads the configuration cannot use it. */
const key = v.strictObject({
  id: v.pipe(text, v.regex(/^[a-z\d]{1,32}$/, 'must be the part of a key between `ak_` and the next `_`')),
  sha256: v.pipe(
    text,
    v.regex(/^[\da-f]{64}$/, 'must be 64 hexadecimal digits, as `antiphon keys create -print` gives them'),
  ),
  tenant: v.optional(name),
  user: v.optional(name),
  project: v.optional(name),
  models: v.optional(
    v.pipe(v.array(v.pipe(text, v.nonEmpty('must not be empty')), 'must be a list'), v.nonEmpty('must not be empty')),
  ),
  scopes: v.optional(
    v.pipe(
      v.array(v.picklist(scopes, `must be one of ${scopes.join(', ')}`), 'must be a list'),
      v.nonEmpty('must not be empty'),
    ),
  ),
  limits: v.optional(v.strictObject({ turns: most, backgroundTurns: most, sockets: most, ...rates })),
  budgets,
  expires: v.optional(moment, '9999-12-31'),
});

const entry = v.pipe(
  v.strictObject({
    keys: v.optional(
      v.pipe(
        v.array(key, 'must be a list'),
        unique(({ id }) => id, 'id'),
      ),
    ),
    envoy: v.optional(byEnvoy),
    jwt: v.optional(jwt),
  }),
  v.check((ways) => Object.keys(ways).length === 1, 'must have one of keys, envoy, jwt'),
);

const everybody = v.literal('none', 'must be none, or a list of ways to identify callers');
const list = v.pipe(v.array(entry, 'must be a list'), v.nonEmpty('must not be empty'));

/** Who may call: `none` accepts everybody; else a list, of whose entries the first that finds its credential decides. */
export const auth = v.lazy<typeof everybody | typeof list>((value) => (Array.isArray(value) ? list : everybody));

/** A way to identify callers. */
export type AuthEntry = v.InferOutput<typeof entry>;
/** A key of the configuration. */
export type KeyEntry = v.InferOutput<typeof key>;
