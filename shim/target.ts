import { Refusal } from './refusal.ts';

/** A target that no URL parser changes. */
const NORMAL = /^\/[\w/:-]*(?:\?[^\0-\x20#]*)?$/;

/** Percent-encoded characters that need no encoding (letters, digits, `-._~`), and `/`, `\` and NUL. */
const NEEDLESSLY_ENCODED = /%(?:00|2[DEF]|3\d|[46][1-9A-F]|5[\dACF]|7[\dAE])/i;

/**
 * 400 for a request target that URL parsing would change: dot segments (`%2e` too), backslashes, tabs, a fragment, unencoded
 * characters. The handler would then see another path than the rules of a proxy in front of us. The same goes for one that a
 * router would decode, as Hono does for mounted apps.
 */
export function refuseTarget(target: string): Refusal | undefined {
  if (NORMAL.test(target)) return undefined;
  const path = target.replace(/^https?:\/\/[^/?#\\]*/i, '').replace(/\?.*/s, '');
  if (!/[\0-\x20#]/.test(target) && !NEEDLESSLY_ENCODED.test(path) && isNormal(path)) return undefined;
  const message =
    'The path is not in its normal form: leave out dot segments, backslashes and fragments, and encode what needs it only.';
  return new Refusal(400, 400, message);
}

function isNormal(path: string): boolean {
  return URL.parse(`http://localhost${path}`)?.pathname === (path || '/');
}
