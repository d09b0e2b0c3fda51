import type { MiddlewareHandler } from 'hono';
import { styleOf } from '../../error-style.ts';
import { ApiError } from '../../errors.ts';
import { requireScope } from '../../service/context.ts';
import { placesOf } from '../../service/place.ts';
import type { Services } from '../../service/services.ts';
import { serveSocket } from '../../websocket/connection.ts';
import { checkOrigin } from '../check-origin.ts';
import { contextOf, type Env } from '../env.ts';

/** The only version of WebSockets (RFC 6455); clients that ask for another are told (4.4). */
const VERSION = '13';

/** The close code of a server that is too busy. */
const TRY_AGAIN_LATER = 1013;

/**
 * Upgrades to a WebSocket. Where that is impossible it is 426, after which clients such as Codex go on over HTTP; the
 * reply names no protocol, since none would help.
 */
export function upgrade(services: Services): MiddlewareHandler<Env> {
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
    // Origin is checked on every ingress: browsers let any page open a WebSocket without a preflight.
    checkOrigin(c, services.origins);
    const log = c.get('log');
    log.streaming = true; // its line is written when the connection has ended
    log.status = 101;
    log.route = '/v1/responses';
    const ctx = contextOf(c, services);
    requireScope(ctx.caller, 'write');
    const { sockets } = services;
    const ownStyle = styleOf('auto', c.req.raw.headers); // read now: some runtimes drop a request's headers with its reply
    // A copy of the handshake, since some runtimes drop a request's headers with its reply.
    const handshake = new Request(c.req.url, { headers: new Headers(c.req.raw.headers) });
    const again = ({ identify }: Services) => identify(handshake, c.env);
    const max = placesOf(services.tenants, ctx.caller, 'sockets');
    sockets.check(ctx.caller, max);
    const enter = () => services.places?.take(ctx.caller, 'sockets', max);
    (await enter())?.(); // given back, since a client may leave in the middle of the handshake
    return c.env.upgrade(
      async (socket) => {
        const leavePlace = sockets.hold(ctx.caller); // not before, for the same reason
        let giveBack: (() => void) | undefined;
        try {
          const entered = enter();
          giveBack = entered instanceof Promise ? await entered : entered;
        } catch {
          socket.close(TRY_AGAIN_LATER, 'Another WebSocket was first; try again in a moment.');
          log.end();
          return leavePlace();
        }
        await serveSocket(
          socket,
          services,
          { ...ctx, identify: again, header: (name) => handshake.headers.get(name) },
          ({ errors }) => (errors === 'auto' ? ownStyle : errors),
        );
        leavePlace();
        giveBack?.();
      },
      { 'x-request-id': log.requestId },
    );
  };
}
