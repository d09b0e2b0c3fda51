import { type AuthEntry, type Config, misconfigured } from '../handler/index.ts';
import type { Flags } from './flags.ts';
import { isBeyondLoopback } from './loopback.ts';

/** Addresses of the listeners: HOST:PORT, `unix:PATH` (not for Envoy) or `off`. */
export interface Listeners {
  grpc: string;
  http: string;
  envoy: string;
  admin: string;
}

/** Defaults: on the loopback, since without `auth` everybody may call. */
const DEFAULTS: Listeners = {
  grpc: '127.0.0.1:50051',
  http: '127.0.0.1:8080',
  envoy: '127.0.0.1:10000',
  admin: '127.0.0.1:9464',
};

type Ports = Partial<Pick<Flags, 'port' | 'httpPort' | 'envoyPort' | 'adminPort' | 'noEnvoy'>>;

/**
 * The listeners of a configuration and command line; the command line wins. Throws a ConfigError that names the key for
 * contradictions: a port for a unix socket, TLS without TCP, no listener at all, callers by the word of an Envoy that cannot prove to be ours,
 * and a listener beyond the loopback without authentication, unless the configuration has `auth`.
 */
export async function listenersOf({ listen, tls, auth, proof }: Config, flags: Ports): Promise<Listeners> {
  const listeners = {
    grpc: withPort('grpc', listen.grpc, '-port', flags.port),
    http: withPort('http', listen.http, '-http-port', flags.httpPort),
    envoy: flags.noEnvoy ? 'off' : withPort('envoy', listen.envoy, '-envoy-port', flags.envoyPort),
    admin: withPort('admin', listen.admin, '-admin-port', flags.adminPort),
  };
  const { grpc, http, envoy } = listeners;
  if (grpc === 'off' && http === 'off' && envoy === 'off') {
    throw misconfigured('listen', 'has grpc, http and envoy off: nothing would take requests');
  }
  for (const name of ['grpc', 'http'] as const) {
    if (tls[name] && !isTcp(listeners[name])) {
      throw misconfigured(`tls.${name}`, `needs listen.${name} to be HOST:PORT, and it is ${listeners[name]}`);
    }
  }
  if (Array.isArray(auth)) refuseUnproved(auth, { tls, proof }, listeners);
  if (auth !== undefined) return listeners;
  for (const name of ['grpc', 'http', 'envoy'] as const) {
    if (name !== 'envoy' && tls[name]?.clientCa) continue;
    if (!isTcp(listeners[name]) || !(await isBeyondLoopback(hostAndPort(listeners[name])[0]))) continue;
    const asks = name === 'envoy' ? '' : `, or give it tls.${name}.clientCa`;
    throw misconfigured(
      `listen.${name}`,
      `is ${listeners[name]}, beyond the loopback, and nothing there asks who is calling: ` +
        `say in \`auth\` who may call, or write "auth: none" if something in front of it asks${asks}`,
    );
  }
  return listeners;
}

/**
 * Throws a ConfigError for an `envoy` of `auth` that nobody could ever be identified by: headers come to both listeners, metadata and
 * certificates to gRPC alone. The Envoy that is started here asks nobody who he is.
 */
function refuseUnproved(auth: AuthEntry[], { tls, proof }: Pick<Config, 'tls' | 'proof'>, listeners: Listeners): void {
  for (const [index, { envoy }] of auth.entries()) {
    const used = envoy?.headers ? (['grpc', 'http'] as const) : (['grpc'] as const);
    const isProved = (name: 'grpc' | 'http') =>
      listeners[name].startsWith('unix:') || (isTcp(listeners[name]) && Boolean(proof ?? tls[name]?.clientCa));
    if (!envoy || used.some(isProved)) continue;
    const those = used.map((name) => `listen.${name}`).join(' and ');
    throw misconfigured(
      `auth.${index}.envoy`,
      `believes an Envoy that nothing shows to be yours (${those}): have it come by unix:PATH, or with a certificate that ` +
        `tls.${used.join(' or tls.')}.clientCa signed, or with the secret of \`proof\``,
    );
  }
}

/** Host and port of a listener's HOST:PORT; an IPv6 address comes without its brackets. */
export function hostAndPort(listener: string): [host: string, port: number] {
  const colon = listener.lastIndexOf(':');
  return [listener.slice(0, colon).replace(/[[\]]/g, ''), Number(listener.slice(colon + 1))];
}

/** Whether a listener is HOST:PORT. */
export function isTcp(listener: string): boolean {
  return listener !== 'off' && !listener.startsWith('unix:');
}

/** A port on the command line turns the listener on, even if the file has it off. */
function withPort(name: keyof Listeners, listener = DEFAULTS[name], flag: string, port: number | undefined): string {
  if (port === undefined) return listener;
  if (listener.startsWith('unix:')) {
    throw new Error(`flag ${flag}: listen.${name} is ${listener}, which has no port: leave one of them out`);
  }
  return (isTcp(listener) ? listener : DEFAULTS[name]).replace(/\d+$/, String(port));
}
