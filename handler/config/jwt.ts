import * as v from 'valibot';
import { isName } from '../caller.ts';
import { httpUrl } from './http-url.ts';
import { time } from './quantity.ts';

const text = v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty'));

/** Algorithms whose signatures are checked by a public key. None of them takes a shared secret, which a public key would be here. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;

/** Media types of tokens that a server may be shown; others of the same issuer end sessions, or prove who holds a key. */
const TYPES = ['JWT', 'at+jwt'];

const MAX_SKEW = 5 * 60_000;

/** A way to identify callers by tokens of an issuer. */
export const jwt = v.pipe(
  v.strictObject({
    issuer: text,
    audiences: v.pipe(v.array(text, 'must be a list'), v.nonEmpty('must not be empty')),
    jwks: v.pipe(
      httpUrl,
      v.regex(
        /^https:|^http:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])([:/?#]|$)/,
        'must begin with https://, or be on the loopback: whoever changes its keys on their way is any caller',
      ),
    ),
    algorithms: v.optional(
      v.pipe(
        v.array(
          v.picklist(
            algorithms,
            `must be one of ${algorithms.join(', ')}: none has no signature, and the secret of HS256 and its like would be public here`,
          ),
          'must be a list',
        ),
        v.nonEmpty('must not be empty'),
      ),
      [...algorithms],
    ),
    types: v.optional(v.pipe(v.array(text, 'must be a list'), v.nonEmpty('must not be empty')), TYPES),
    tenant: v.optional(
      v.pipe(v.string('must be a text'), v.check(isName, 'must be 1 to 256 characters without controls')),
    ),
    claims: v.optional(
      v.strictObject({
        tenant: v.optional(text),
        user: v.optional(text, 'sub'),
        project: v.optional(text),
        scopes: v.optional(text),
      }),
      { user: 'sub' },
    ),
    skew: v.optional(v.pipe(time.wrapped, v.maxValue(MAX_SKEW, 'must be at most 5m')), '30s'),
  }),
  v.check(
    ({ tenant, claims }) => tenant === undefined || claims.tenant === undefined,
    'must have one of tenant and claims.tenant',
  ),
);

/** An issuer whose tokens are accepted, and what is read of them; `skew` is in milliseconds. */
export type JwtEntry = v.InferOutput<typeof jwt>;
