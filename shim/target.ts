import { Refusal } from './refusal.ts';

/** Nothing in it that a URL's parser, or anything else, could change. */
const NORMAL = /^\/[\w/:-]*(?:\?[^\0-\x20#]*)?$/;

/** Percent-encoded letters, digits and `-._~`, which need it not, and `/`, `\` and NUL. */
const NEEDLESSLY_ENCODED = /%(?:00|2[DEF]|3\d|[46][1-9A-F]|5[\dACF]|7[\dAE])/i;

/**
 * A Refusal, 400, of a request target that parsing as a URL would change: dot segments (`%2e` too), backslashes, tabs, a
 * fragment, characters that have to be encoded. The handler would then see another path than the rules of a proxy before us;
 * and so of one that a router would decode, as Hono's does before it hands a request on to what is mounted in it.
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
