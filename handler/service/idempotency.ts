import { canonicalJson } from '../canonical-json.ts';
import { ApiError } from '../errors.ts';
import { isShallow, MAX_DEPTH } from '../protocol/json.ts';
import type { CreateRequest } from '../protocol/request.ts';
import { type IdempotencyKey, PARAM } from '../state/idempotency.ts';

/** A valid key: 1 to 255 printable ASCII characters. */
const KEY = /^[\x20-\x7e]{1,255}$/;

/**
 * The idempotency key of a request; throws an ApiError for an invalid one. A request with `store: false` has none:
 * clients send keys unasked, and nothing is stored to return.
 */
export async function readKey(key: string | undefined, request: CreateRequest): Promise<IdempotencyKey | undefined> {
  if (key === undefined || request.store === false) return undefined;
  if (!KEY.test(key)) {
    throw new ApiError('invalid_value', `${PARAM} must be 1 to 255 printable ASCII characters`, { param: PARAM });
  }
  return { key, hash: await fingerprint(request) };
}

/** SHA-256 of the parsed request, independent of the order of members; null counts as absent. */
async function fingerprint(request: CreateRequest): Promise<string> {
  const members = Object.entries(request).filter(([, value]) => value != null);
  // Deeper values are only where they would be refused anyway.
  const deep = members.find(([, value]) => !isShallow(value, 2 * MAX_DEPTH));
  if (deep) throw new ApiError('invalid_value', `${deep[0]} is nested too deep`, { param: deep[0] });
  const text = canonicalJson(Object.fromEntries(members));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
