import type { MiddlewareHandler } from 'hono';
import { rateLimitHeaders } from '../../protocol/rate-limit-headers.ts';
import type { Env } from '../env.ts';
import { DROPPED_TOOLS } from '../route.ts';

/** The methods of all paths. A path's own reply refuses those it does not have. */
const METHODS = 'GET, POST, DELETE';

/** What scripts may read of a reply beside the few headers that browsers always show. */
const EXPOSED_HEADERS = [
  ...['x-request-id', 'request-id', 'retry-after', 'x-should-retry', 'idempotent-replayed'],
  DROPPED_TOOLS,
  ...rateLimitHeaders,
].join(', ');

/** How long in seconds a browser may keep the answer to a preflight: two hours, the longest that Chrome does. */
const MAX_AGE_SECONDS = '7200';

/**
 * Lets pages of these origins call the API, and answers their preflights; `*` is any origin. Other pages get the same
 * reply without the headers, and their browsers keep it from them.
 */
export function cors(origins: readonly string[]): MiddlewareHandler<Env> {
  const any = origins.includes('*');
  return async (c, next) => {
    // Set without an allowed origin too: a cache must not give that reply to an allowed page.
    if (!any) c.header('vary', 'origin');
    const origin = c.req.header('origin');
    if (origin === undefined || !(any || origins.includes(origin))) return next();
    c.header('access-control-allow-origin', any ? '*' : origin);
    if (c.req.method !== 'OPTIONS' || !c.req.header('access-control-request-method')) {
      c.header('access-control-expose-headers', EXPOSED_HEADERS);
      return next();
    }
    c.header('access-control-allow-methods', METHODS);
    c.header('access-control-max-age', MAX_AGE_SECONDS);
    // All requested headers are allowed: each SDK version sends more, and none is a risk by itself.
    const requestHeaders = c.req.header('access-control-request-headers');
    if (requestHeaders) c.header('access-control-allow-headers', requestHeaders);
    return c.body(null, 204);
  };
}
