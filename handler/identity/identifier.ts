import { type Caller, type Scope, type Sender, scopes } from '../caller.ts';
import { ApiError } from '../errors.ts';

/**
 * Looks for a credential of its kind in a request: undefined where there is none, the caller whose it is, or an ApiError
 * (`badCredential`) for one that does not count.
 */
export type Identifier = (request: Request, sender: Sender) => Caller | undefined | Promise<Caller | undefined>;

/**
 * The credential of a request that `isMine`: the token of `Authorization: Bearer`, or `x-api-key`. Two that differ are a 401: which of
 * them counts would be anybody's guess.
 */
export function credentialOf(headers: Headers, isMine: (credential: string) => boolean): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1];
  const [mine, other] = [bearer, headers.get('x-api-key')].filter((text) => text != null && isMine(text));
  if (other != null && other !== mine)
    throw badCredential('The credentials in `authorization` and `x-api-key` differ: send one.');
  return mine ?? undefined;
}

/** 401 with the header that it has to have; the message says what is wrong, and quotes nothing of the credential. */
export function badCredential(message: string, cause?: unknown): ApiError {
  return new ApiError('credentials', message, { headers: { 'www-authenticate': 'Bearer' }, cause });
}

/** Those of our scopes that are in a list, or in a text with spaces between them; none where nothing is said. */
export function scopesIn(said: unknown): Scope[] {
  const words: readonly unknown[] = typeof said === 'string' ? said.split(' ') : Array.isArray(said) ? said : [];
  return scopes.filter((scope) => words.includes(scope));
}
