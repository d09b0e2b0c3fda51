import type { webcrypto } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import { freePort } from './ports.ts';

/** A key of an issuer: what it signs with, and what its key set has. */
export interface IssuerKey {
  readonly alg: string;
  readonly privateKey: webcrypto.CryptoKey;
  readonly jwk: Record<string, unknown>;
}

/** Makes a key; without a `kid` where that is null. */
export async function newIssuerKey(alg: string, kid: string | null): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), alg, ...(kid !== null && { kid }) } };
}

/** An issuer of tokens, with a real server for its key set. */
export interface Issuer {
  readonly name: string;
  readonly jwks: string;
  /** How often its key set was asked for. */
  readonly asked: number;
  /** What the server answers: a key set, or whatever a test wants it to do. */
  answers: (reply: ServerResponse) => void;
  /** A token that is right, but for what is changed. */
  token(claims?: JWTPayload, header?: Partial<JWTHeaderParameters>, key?: IssuerKey): Promise<string>;
  close(): Promise<void>;
}

/** Audience of the tokens. */
export const AUDIENCE = 'antiphon';

/** Opens an issuer with some keys, whose tokens are signed with the first. */
export async function openIssuer(
  keys: readonly [IssuerKey, ...IssuerKey[]],
  name = 'https://idp.test',
): Promise<Issuer> {
  let asked = 0;
  const server = createServer((_request, reply) => {
    asked++;
    issuer.answers(reply);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const issuer: Issuer = {
    name,
    jwks: `http://127.0.0.1:${port}/jwks`,
    get asked() {
      return asked;
    },
    answers: (reply) => void reply.end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })),
    token(claims = {}, header = {}, key = keys[0]) {
      const { kid } = key.jwk;
      const now = Math.floor(Date.now() / 1000);
      const all = { iss: name, aud: AUDIENCE, sub: 'ann', org: 'acme', iat: now, exp: now + 600, ...claims };
      return new SignJWT(all)
        .setProtectedHeader({ alg: key.alg, ...(typeof kid === 'string' && { kid }), ...header })
        .sign(key.privateKey);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return issuer;
}

/** The entry of `auth` for an issuer. */
export function entryFor({ name, jwks }: Pick<Issuer, 'name' | 'jwks'>, more: object = {}) {
  return { jwt: { issuer: name, audiences: [AUDIENCE], jwks, claims: { tenant: 'org' }, ...more } };
}
