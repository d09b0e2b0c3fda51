import type { MiddlewareHandler } from 'hono';
import { ApiError } from '../errors.ts';
import { checkOrigin } from '../http/middleware/rebinding.ts';
import type { Env, SharedServices } from '../service/env.ts';
import { serveSocket } from './connection.ts';

/** The one version that there is (RFC 6455, 4.4: it is told to those who ask for another). */
const VERSION = '13';

/**
 * Answers a client that wants a WebSocket with one. Where there can be none it is 426, and those that can do without (Codex
 * is one) go on over HTTP when they read it; the reply names no protocol to upgrade to, since there is none that would help.
 */
export function connect(services: SharedServices): MiddlewareHandler<Env> {
  return async (c, next) => {
    if (!/(^|,)\s*websocket\s*(,|$)/i.test(c.req.header('upgrade') ?? '')) return next();
    const version = c.req.header('sec-websocket-version') ?? VERSION;
    if (version !== VERSION) {
      const headers = { 'sec-websocket-version': VERSION };
      throw new ApiError('no_websocket', `WebSockets are of version ${VERSION} here.`, { headers });
    }
    if (!c.env.upgrade) {
      throw new ApiError('no_websocket', 'There is no WebSocket to be had here; send POST /v1/responses over HTTP.');
    }
    // Browsers ask nobody before they open a WebSocket, and any page may: only its Origin tells, by whatever way it comes.
    checkOrigin(c, services.origins);
    const entry = c.get('entry');
    entry.streaming = true; // its line is written when the connection has ended
    entry.status = 101;
    const serve = { 'x-request-id': entry.requestId };
    const caller = services.identify(c.req.raw, c.env);
    const { sockets } = services;
    sockets.check(caller.id);
    return c.env.upgrade(async (socket) => {
      const leavePlace = sockets.hold(caller.id); // not before: a client may leave in the middle of the handshake
      await serveSocket(socket, services, entry, { ingress: c.env, caller });
      leavePlace();
    }, serve);
  };
}
