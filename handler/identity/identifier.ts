import type { Caller, Sender } from '../caller.ts';
import { ApiError } from '../errors.ts';

/**
 * Looks for a credential of its kind in a request: undefined where there is none, the caller whose it is, or an ApiError
 * (`badCredential`) for one that does not count.
 */
export type Identifier = (request: Request, sender: Sender) => Caller | undefined | Promise<Caller | undefined>;

/** The credential of a request that `isMine`: the token of `Authorization: Bearer`, or `x-api-key`. */
export function credentialOf(headers: Headers, isMine: (credential: string) => boolean): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1];
  return [bearer, headers.get('x-api-key')].find((text) => typeof text === 'string' && isMine(text)) ?? undefined;
}

/** 401 with the header that it has to have; the message says what is wrong, and quotes nothing of the credential. */
export function badCredential(message: string, cause?: unknown): ApiError {
  return new ApiError('credentials', message, { headers: { 'www-authenticate': 'Bearer' }, cause });
}
