import type { MiddlewareHandler } from 'hono';
import { ApiError } from '../errors.ts';
import type { Env } from './env.ts';

/**
 * Answers a client that wants a WebSocket with 426: there is none yet, and those that can do without (Codex is one) go on
 * over HTTP when they read it. The reply names no protocol to upgrade to, since there is none that would help.
 */
export const refuseWebSocket: MiddlewareHandler<Env> = async (c, next) => {
  if (/(^|,)\s*websocket\s*(,|$)/i.test(c.req.header('upgrade') ?? '')) {
    throw new ApiError('no_websocket', 'WebSockets are not supported here; send POST /v1/responses over HTTP.');
  }
  await next();
};
