import { createLocalJWKSet, errors, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { JsonObject } from '../protocol/json.ts';
import { JwtRefusal, type JwtRules, type VerifyJwt } from './jwt.ts';
import type { JwkSet } from './key-source.ts';

type Find = ReturnType<typeof createLocalJWKSet>;

/** What finds a key in each set: it keeps keys as WebCrypto has them, for as long as the set is kept. */
const finders = new WeakMap<JwkSet, Find>();

/**
 * Checks a token by `jose`: its algorithm, signature, type, critical extensions, issuer, audience, `exp` (which it must have) and `nbf`. Only
 * keys of the set count, whatever keys or addresses of keys the token has.
 */
export const verifyJwt: VerifyJwt = async (token, keys, rules) => {
  const find = finderOf(keys);
  const { issuer, audiences, algorithms, skew } = rules;
  const options = {
    issuer,
    audience: audiences,
    algorithms,
    clockTolerance: skew / 1000,
    requiredClaims: ['exp'],
  };
  try {
    const { payload, protectedHeader } = await verifyByAny(token, find, options);
    requireType(protectedHeader.typ, rules);
    return payload as JsonObject; // it was parsed from JSON
  } catch (error) {
    throw refusalOf(error);
  }
};

function finderOf(keys: JwkSet): Find {
  const known = finders.get(keys);
  if (known) return known;
  // jose checks what each key is when it is used.
  const find = createLocalJWKSet(keys as unknown as Parameters<typeof createLocalJWKSet>[0]);
  finders.set(keys, find);
  return find;
}

/** Verifies by the key that the token names. Without a name, several keys may be of its kind: one of them has to be right. */
async function verifyByAny(token: string, find: Find, options: JWTVerifyOptions) {
  try {
    return await jwtVerify(token, find, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options);
      } catch (cause) {
        if (!(cause instanceof errors.JWSSignatureVerificationFailed)) throw cause;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function requireType(typ: unknown, { types }: JwtRules): void {
  if (typ === undefined && types.some((type) => mediaType(type) === 'jwt')) return;
  if (typeof typ === 'string' && types.some((type) => mediaType(type) === mediaType(typ))) return;
  throw new JwtRefusal('The token is of another type (`typ`) than is accepted here.');
}

/** A media type as it is compared: `application/` before it is often left out. */
function mediaType(text: string): string {
  return text.toLowerCase().replace(/^application\//, '');
}

function refusalOf(error: unknown): JwtRefusal {
  if (error instanceof JwtRefusal) return error;
  if (error instanceof errors.JWTExpired) return new JwtRefusal('The token has expired.');
  if (error instanceof errors.JWTClaimValidationFailed) return new JwtRefusal(claimRefusals[error.claim] ?? NOT_WHOLE);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return new JwtRefusal('The token is signed by an algorithm that is not accepted here.');
  if (error instanceof errors.JWKSNoMatchingKey)
    return new JwtRefusal('The token is signed by none of the keys of its issuer.', { unknownKey: true });
  if (error instanceof errors.JWSSignatureVerificationFailed) return new JwtRefusal('The token’s signature is wrong.');
  if (error instanceof errors.JOSENotSupported)
    return new JwtRefusal('The token needs an extension that is not known here.');
  return new JwtRefusal(NOT_WHOLE, { cause: error });
}

const NOT_WHOLE = 'The token is not as a token has to be, or its key is not as a key has to be.';

const claimRefusals: Record<string, string> = {
  iss: 'The token is of another issuer.',
  aud: 'The token is for another audience.',
  nbf: 'The token is not valid yet.',
  exp: 'The token does not say when it expires.',
};
