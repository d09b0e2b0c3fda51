import { ApiError } from '../errors.ts';
import { isObject, isShallow, MAX_DEPTH } from '../protocol/json.ts';
import type { CreateRequest } from '../protocol/request.ts';
import { type IdempotencyKey, PARAM } from '../state/idempotency.ts';

/** Printable ASCII, as long as a name may be in most places. */
const KEY = /^[\x20-\x7e]{1,255}$/;

/**
 * A request under the client's key, if it has one; throws an ApiError for one that is none. A request that is not to be
 * stored has none: clients send keys without being asked, and with nothing kept there is nothing to give back.
 */
export async function readKey(key: string | undefined, request: CreateRequest): Promise<IdempotencyKey | undefined> {
  if (key === undefined || request.store === false) return undefined;
  if (!KEY.test(key)) {
    throw new ApiError('invalid_value', `${PARAM} must be 1 to 255 printable ASCII characters`, { param: PARAM });
  }
  return { key, hash: await fingerprint(request) };
}

/** SHA-256 of what was understood of a request, in whatever order its members came; null is as good as no member. */
async function fingerprint(request: CreateRequest): Promise<string> {
  const members = Object.entries(request).filter(([, value]) => value != null);
  // What is deeper stands where it would be refused anyway.
  const deep = members.find(([, value]) => !isShallow(value, 2 * MAX_DEPTH));
  if (deep) throw new ApiError('invalid_value', `${deep[0]} is nested too deep`, { param: deep[0] });
  const text = JSON.stringify(Object.fromEntries(members), (_, value) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
