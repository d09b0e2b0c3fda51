import { request } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { connect } from 'node:tls';
import type { buildConnector } from 'undici';

/** The silence after which the system looks whether the other end is there, in milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/**
 * A proxy that could not be used: it cannot be reached, or lets nobody through. It says nothing of its URL, which may hold a
 * password.
 */
export class ProxyError extends Error {
  /** `ERR_PROXY`, or with the status that it answered, such as `ERR_PROXY_407`. */
  readonly code: string;

  constructor(message: string, { status, cause }: { status?: number; cause?: unknown } = {}) {
    super(message, { cause });
    this.code = status === undefined ? 'ERR_PROXY' : `ERR_PROXY_${status}`;
  }
}

/** The error of a proxy that answered in place of the server. */
export function refusedByProxy(status: number): ProxyError {
  return new ProxyError(`the proxy answered ${status}`, { status });
}

/** The error of a proxy that there is no connection to. */
export function unreachableProxy(cause: unknown): ProxyError {
  return new ProxyError('the proxy cannot be reached', { cause });
}

/** The `proxy-authorization` of a proxy's URL; undefined where it has no user. */
export function proxyCredentials({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const plain = [username, password].map(decodeURIComponent).join(':');
  return `Basic ${Buffer.from(plain).toString('base64')}`;
}

/** Connections over TLS to servers, through the tunnels that a proxy opens (CONNECT). */
export class ProxyTunnel {
  readonly #proxy: URL;
  readonly #ca: string | undefined;
  readonly #timeout: number;
  /** What is on its way. */
  readonly #opening = new Set<{ destroy(): unknown }>();

  /** `ca` are the authorities that are trusted, by default the system's; a connection is made within `timeout` milliseconds. */
  constructor(proxy: URL, ca: string | undefined, timeout: number) {
    this.#proxy = proxy;
    this.#ca = ca;
    this.#timeout = timeout;
  }

  /** Makes a connection, for undici. */
  readonly connect: buildConnector.connector = (options, callback) => {
    this.#connect(options).then(
      (socket) => callback(null, socket),
      (error) => callback(error, null),
    );
  };

  /** Gives up what is on its way. */
  close(): void {
    for (const opening of this.#opening) opening.destroy();
  }

  async #connect({ hostname, host = hostname }: buildConnector.Options): Promise<Socket> {
    const begun = performance.now();
    const tunnel = await this.#open(/:\d+$/.test(host) ? host : `${host}:443`);
    const inside = connect({
      socket: tunnel,
      host: hostname,
      ...(isIP(hostname) === 0 && { servername: hostname }),
      ...(this.#ca !== undefined && { ca: this.#ca }),
      ALPNProtocols: ['http/1.1'],
    });
    this.#opening.add(inside);
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const left = this.#timeout - (performance.now() - begun);
    const late = setTimeout(() => inside.destroy(timedOut()), Math.max(1, left));
    inside.once('secureConnect', () => resolve(inside));
    inside.on('error', reject);
    inside.once('close', () => reject(new Error('the connection was closed')));
    return promise.finally(() => {
      clearTimeout(late);
      this.#opening.delete(inside);
    });
  }

  /** A tunnel to `host:port`. */
  #open(path: string): Promise<Socket> {
    const { hostname, port } = this.#proxy;
    const credentials = proxyCredentials(this.#proxy);
    const asking = request({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port || 80,
      method: 'CONNECT',
      path,
      headers: { host: path, ...(credentials && { 'proxy-authorization': credentials }) },
      agent: false,
    });
    this.#opening.add(asking);
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const late = setTimeout(() => asking.destroy(timedOut()), this.#timeout);
    asking.once('connect', ({ statusCode = 0 }, socket: Socket) => {
      socket.on('error', () => {}); // the connection inside hears of it too
      if (statusCode === 200) return resolve(socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS));
      socket.destroy();
      reject(refusedByProxy(statusCode));
    });
    asking.on('error', (cause) => reject(unreachableProxy(cause)));
    asking.once('close', () => reject(unreachableProxy(new Error('it closed the connection'))));
    asking.end();
    return promise.finally(() => {
      clearTimeout(late);
      this.#opening.delete(asking);
    });
  }
}

function timedOut(): Error {
  return Object.assign(new Error('it took too long'), { code: 'ETIMEDOUT' });
}
