import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const [ours, theirs] = [pair(), pair()];

/** The key that jwt_authn knows. */
export const jwks = JSON.stringify({
  keys: [{ ...ours.publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'k1' }],
});

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

function jwt(claims: object, header: object, key: KeyObject | undefined): string {
  const signed = `${base64({ kid: 'k1', ...header })}.${base64({ iss: 'https://idp.example', aud: 'antiphon', ...claims })}`;
  const how = key && { key, dsaEncoding: 'ieee-p1363' as const };
  return `${signed}.${how ? sign('sha256', Buffer.from(signed), how).toString('base64url') : ''}`;
}

/** A token of the issuer. */
export const token = (claims: object) => jwt(claims, { alg: 'ES256' }, ours.privateKey);
/** One with that issuer's name, by somebody else. */
export const forged = (claims: object) => jwt(claims, { alg: 'ES256' }, theirs.privateKey);
/** One that says that it needs no signature. */
export const unsigned = (claims: object) => jwt(claims, { alg: 'none' }, undefined);
