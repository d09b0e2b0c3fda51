import { fromBase64 } from '../base64.ts';
import { type Caller, DEFAULT_TENANT, isName } from '../caller.ts';
import type { JwtEntry } from '../config/jwt.ts';
import { fixedLimits } from '../limits.ts';
import { parseObject } from '../parse-json.ts';
import type { JsonObject } from '../protocol/json.ts';
import { badCredential, credentialOf, type Identifier, scopesIn } from './identifier.ts';
import type { JwkSet, KeySource } from './key-source.ts';

/** What a token has to be. */
export type JwtRules = Pick<JwtEntry, 'issuer' | 'audiences' | 'algorithms' | 'types' | 'skew'>;

/** Checks a token by the keys of its issuer, and gives its claims; throws a JwtRefusal that says which check it failed. */
export type VerifyJwt = (token: string, keys: JwkSet, rules: JwtRules) => Promise<JsonObject>;

/** Why a token does not count, in a sentence that quotes nothing of it. */
export class JwtRefusal extends Error {
  override readonly name = 'JwtRefusal';
  /** Whether its key is none of those that are known, so that newer ones may have it. */
  readonly unknownKey: boolean;

  constructor(message: string, details: { unknownKey?: boolean; cause?: unknown } = {}) {
    super(message, { cause: details.cause });
    this.unknownKey = details.unknownKey ?? false;
  }
}

/**
 * Identifies callers by tokens of one issuer, in `Authorization: Bearer` or `x-api-key`. What is no token of that issuer is left to
 * others.
 */
export function jwtIdentifier(entry: JwtEntry, keys: KeySource, verify: VerifyJwt): Identifier {
  return async ({ headers }) => {
    const token = credentialOf(headers, (text) => issuerOf(text) === entry.issuer);
    if (token === undefined) return undefined;
    if (token.length > fixedLimits.token) throw badCredential('The token is too long.');
    try {
      return callerOf(await verify(token, await keys.known(), entry), entry);
    } catch (error) {
      if (!isUnknownKey(error)) throw refused(error);
    }
    try {
      return callerOf(await verify(token, await keys.renewed(), entry), entry);
    } catch (error) {
      throw refused(error);
    }
  };
}

function isUnknownKey(error: unknown): boolean {
  return error instanceof JwtRefusal && error.unknownKey;
}

function refused(error: unknown): unknown {
  return error instanceof JwtRefusal ? badCredential(error.message, error.cause) : error;
}

/** The issuer that a token says it has, which nothing has checked yet; undefined for a text that is no token. */
function issuerOf(text: string): string | undefined {
  const [header, payload, signature, ...others] = text.split('.', 4).map((part, at) => (at < 2 ? decoded(part) : part));
  if (!header || !payload || signature === undefined || others.length > 0) return undefined;
  return typeof payload === 'object' && typeof payload.iss === 'string' ? payload.iss : undefined;
}

function decoded(part: string): JsonObject | undefined {
  try {
    const bytes = fromBase64(part.replace(/-/g, '+').replace(/_/g, '/'));
    return parseObject(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // it is no base64
  }
}

function callerOf(claims: JsonObject, { tenant: fixed, claims: names }: JwtEntry): Caller {
  const tenant = fixed ?? (names.tenant === undefined ? DEFAULT_TENANT : nameIn(claims, names.tenant));
  const user = nameIn(claims, names.user);
  const project =
    names.project === undefined || claimOf(claims, names.project) === undefined
      ? undefined
      : nameIn(claims, names.project);
  return {
    // As JSON, so that no two callers have the same.
    id: JSON.stringify([tenant, user]),
    tenant,
    user,
    ...(project !== undefined && { project }),
    ...(names.scopes !== undefined && { scopes: scopesIn(claimOf(claims, names.scopes)) }),
  };
}

/** The name that a claim has. Only a text is one: a list of one tenant, or a number, says something else than its text would. */
function nameIn(claims: JsonObject, name: string): string {
  const value = claimOf(claims, name);
  if (value === undefined) throw new JwtRefusal(`The token lacks the claim \`${name}\`.`);
  if (typeof value === 'string' && isName(value)) return value;
  throw new JwtRefusal(
    `The claim \`${name}\` of the token is no name: a text of 1 to 256 characters without controls.`,
  );
}

/** The claim of that name, dots and all, or else what is at that path; undefined where there is none. */
function claimOf(claims: JsonObject, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let at: unknown = claims;
  for (const key of name.split('.')) {
    if (typeof at !== 'object' || at === null || Array.isArray(at) || !Object.hasOwn(at, key)) return undefined;
    at = Object.entries(at).find(([own]) => own === key)?.[1];
  }
  return at;
}
