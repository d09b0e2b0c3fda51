import { type AuthEntry, type Config, ConfigError, type ConfigProblem } from '../handler/index.ts';
import type { Flags } from './flags.ts';
import { isBeyondLoopback } from './loopback.ts';
import { socketPathOf } from './unix-socket.ts';

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

/** The keys of a configuration that say who may listen where. */
export type ListeningConfig = Pick<Config, 'listen' | 'tls' | 'auth' | 'proof'>;

type Ports = Partial<Pick<Flags, 'port' | 'httpPort' | 'envoyPort' | 'adminPort' | 'noEnvoy'>>;

/** The addresses of the listeners of a configuration and command line; the command line wins. Throws an Error for a port for a unix socket. */
export function addressesOf({ listen }: Pick<Config, 'listen'>, flags: Ports): Listeners {
  return {
    grpc: withPort('grpc', listen.grpc, '-port', flags.port),
    http: withPort('http', listen.http, '-http-port', flags.httpPort),
    envoy: flags.noEnvoy ? 'off' : withPort('envoy', listen.envoy, '-envoy-port', flags.envoyPort),
    admin: withPort('admin', listen.admin, '-admin-port', flags.adminPort),
  };
}

/**
 * The addresses of the listeners. Throws a ConfigError that names each key for contradictions: TLS without TCP, no listener at all,
 * callers by the word of an Envoy that cannot prove to be ours, and a listener beyond the loopback without authentication, unless the configuration has `auth`.
 */
export async function listenersOf(config: ListeningConfig, flags: Ports): Promise<Listeners> {
  const { tls, auth } = config;
  const listeners = addressesOf(config, flags);
  const { grpc, http, envoy } = listeners;
  const problems: ConfigProblem[] = [];
  if (grpc === 'off' && http === 'off' && envoy === 'off') {
    problems.push({ path: ['listen'], says: 'has grpc, http and envoy off: nothing would take requests' });
  }
  for (const name of ['grpc', 'http'] as const) {
    if (tls[name] && !isTcp(listeners[name])) {
      problems.push({
        path: ['tls', name],
        says: `needs listen.${name} to be HOST:PORT, and it is ${listeners[name]}`,
      });
    }
  }
  if (Array.isArray(auth)) problems.push(...unproved(auth, config, listeners));
  for (const name of auth === undefined ? (['grpc', 'http', 'envoy'] as const) : []) {
    if (name !== 'envoy' && tls[name]?.clientCa) continue;
    if (!isTcp(listeners[name]) || !(await isBeyondLoopback(hostAndPort(listeners[name])[0]))) continue;
    const asks = name === 'envoy' ? '' : `, or give it tls.${name}.clientCa`;
    problems.push({
      path: ['listen', name],
      says:
        `is ${listeners[name]}, beyond the loopback, and nothing there asks who is calling: ` +
        `say in \`auth\` who may call, or write "auth: none" if something in front of it asks${asks}`,
    });
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return listeners;
}

/**
 * Each `envoy` of `auth` that nobody could ever be identified by: headers come to both listeners, metadata and certificates to gRPC
 * alone. The Envoy that is started here asks nobody who he is.
 */
function unproved(auth: AuthEntry[], { tls, proof }: ListeningConfig, listeners: Listeners): ConfigProblem[] {
  return auth.flatMap(({ envoy }, index) => {
    const used = envoy?.headers || envoy?.certificate?.header ? (['grpc', 'http'] as const) : (['grpc'] as const);
    const isProved = (name: 'grpc' | 'http') =>
      listeners[name].startsWith('unix:') || (isTcp(listeners[name]) && Boolean(proof ?? tls[name]?.clientCa));
    if (!envoy || used.some(isProved)) return [];
    const those = used.map((name) => `listen.${name}`).join(' and ');
    const says =
      `believes an Envoy that nothing shows to be yours (${those}): have it come by unix:PATH, or with a certificate that ` +
      `tls.${used.join(' or tls.')}.clientCa signed, or with the secret of \`proof\``;
    return [{ path: ['auth', String(index), 'envoy'], says }];
  });
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

/** Where a listener is, as servers take it. */
export function addressOf(listener: string): { host: string; port: number } | { path: string } {
  const path = socketPathOf(listener);
  if (path !== undefined) return { path };
  const [host, port] = hostAndPort(listener);
  return { host, port };
}
