import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Refusal, serverError } from './refusal.ts';
import { cannotListen, type Running } from './server.ts';
import type { Door, Log } from './session.ts';
import { openSockets, type SocketDoor, wantsSocket } from './websocket.ts';

/** What an HTTP server serves, and where; port 0 is any free one. */
export interface HttpOptions {
  host: string;
  port: number;
  /** The flag that gives the port. */
  flag?: string;
  fetch: (request: Request, door: Door & SocketDoor) => Response | Promise<Response>;
  /** The largest message over a WebSocket, in bytes: a little more than the handler's own limit, whose answer says more. */
  message?: number;
  log: Log;
}

const DOOR: Door = Object.freeze({ name: 'http' });

/** A MiB above the handler's default. */
const MESSAGE = 33 * 1024 * 1024;

const OPTIONS = {
  // Longer than the 60 s that load balancers commonly keep a connection: they, not we, must be the ones to close it.
  keepAliveTimeout: 75_000,
  headersTimeout: 60_000,
  // For receiving a request only: neither it nor anything else here cuts a reply that streams for hours.
  requestTimeout: 300_000,
};

/**
 * Serves `fetch` on plain HTTP/1.1, and WebSockets where it takes them; any other wish to upgrade is a request as any other.
 * A port that cannot be had is an Error naming `flag`.
 */
export async function serveHttp(options: HttpOptions): Promise<Running> {
  const { host, port, flag = '-http-port', fetch, message = MESSAGE, log } = options;
  let draining = false;

  // What fetch gives is handed on as it is: node-server answers from its own light Response without building a real
  // one, as long as nobody touches its body.
  function serve(request: Request, door: Door & SocketDoor = DOOR): Response | Promise<Response> {
    try {
      const response = fetch(request, door);
      return response instanceof Promise ? response.catch(fail) : response;
    } catch (error) {
      return fail(error);
    }
  }
  function fail(error: unknown): Response {
    const refusal = serverError();
    log('error', refusal.message, { status: refusal.status, error });
    return refusal.toResponse();
  }
  const listener = getRequestListener((request) => serve(request), {
    errorHandler: () => new Refusal(400, 400, 'The request line or a header is not valid.').toResponse(),
  });

  const sockets = openSockets(message, (request, door) => serve(request, { ...DOOR, ...door }));
  const server = createServer({ ...OPTIONS, shouldUpgradeCallback: wantsSocket }, (incoming, outgoing) => {
    outgoing.once('close', () => {
      if (draining) server.closeIdleConnections();
    });
    void listener(incoming, outgoing);
  });
  server.on('upgrade', sockets.upgrade);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(flag, `${host}:${port}`, error)));
    server.listen(port, host, resolve);
  });

  function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    sockets.cut();
    return closed;
  }
  async function drain(graceMs: number): Promise<void> {
    draining = true;
    sockets.stop();
    const cut = () => {
      server.closeAllConnections();
      sockets.cut();
    };
    const timer = setTimeout(cut, graceMs);
    await new Promise<void>((resolve) => server.close(() => resolve()));
    clearTimeout(timer);
  }
  // A TCP server's address is an object; a string is a pipe's.
  return { port: (server.address() as AddressInfo).port, drain, close };
}
