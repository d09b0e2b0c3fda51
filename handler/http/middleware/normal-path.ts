import type { MiddlewareHandler } from 'hono';
import { ApiError } from '../../errors.ts';
import type { Env } from '../env.ts';

/** Percent-encoded letters, digits and `-._~`, which need it not, and `/`, `\` and NUL, which no path of ours has. */
const ENCODED = /%(?:00|2[DEF]|3\d|[46][1-9A-F]|5[\dACF]|7[\dAE])/i;

/**
 * Refuses a path that the router would decode and a proxy's rules may not have: `/v1/%63onversations` would walk around a rule
 * for `/v1/conversations`. What a URL's parser changes is gone when a request comes here: the shim refuses it.
 */
export const requireNormalPath: MiddlewareHandler<Env> = (c, next) => {
  const { url } = c.req;
  if (url.includes('%') && ENCODED.test(new URL(url).pathname)) {
    throw new ApiError('path', 'The path holds a percent-encoded letter, digit, slash or NUL: send it as it is.');
  }
  return next();
};
