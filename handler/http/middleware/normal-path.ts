import type { Context } from 'hono';
import { ApiError } from '../../errors.ts';
import type { Env } from '../env.ts';

/**
 * Percent-encoded characters that need no encoding (letters, digits, `-._~`), and `/`, `\` and NUL, which no path here
 * has.
 */
const ENCODED = /%(?:00|2[DEF]|3\d|[46][1-9A-F]|5[\dACF]|7[\dAE])/i;

/**
 * Refuses a path that the router would decode and a proxy's rules may not: `/v1/%63onversations` would pass a rule
 * for `/v1/conversations`. Paths that URL parsing changes never get here: the shim refuses them.
 */
export function requireNormalPath({ req }: Context<Env>): void {
  const { url } = req;
  if (url.includes('%') && ENCODED.test(new URL(url).pathname)) {
    throw new ApiError('path', 'The path holds a percent-encoded letter, digit, slash or NUL: send it as it is.');
  }
}
