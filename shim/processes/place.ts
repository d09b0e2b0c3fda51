import { join } from 'node:path';
import type { Readiness } from '../../handler/index.ts';
import { hostAndPort, isTcp, type Listeners } from '../listeners.ts';
import type { OwnSockets } from '../servers.ts';

/** The place of one of several processes. */
export interface Place {
  /** Its number, from 1 on. */
  number: number;
  /** A folder for unix sockets that all of them have, and only this user may enter. */
  folder: string;
  /** Its readiness, which the supervisor sets too. */
  readiness: Readiness;
}

/**
 * Where one of several processes listens. The first has the gRPC port of the configuration, and each other the next one; HTTP they have
 * together. Unix sockets are of one process each: to the path of each but the first its number is added.
 */
export function listenersAt({ grpc, http, admin }: Listeners, { number, folder }: Omit<Place, 'readiness'>): Listeners {
  return {
    grpc: isTcp(grpc) ? portAt(grpc, number) : socketAt(grpc, number),
    http: isTcp(http) ? http : socketAt(http, number),
    envoy: 'off',
    admin: admin === 'off' ? 'off' : `unix:${adminSocketIn(folder, number)}`,
  };
}

/** The sockets of a process for our own Envoy. */
export function socketsIn(folder: string, number = 1): OwnSockets {
  return { grpcSocket: join(folder, `grpc-${number}.sock`), httpSocket: join(folder, `http-${number}.sock`) };
}

/** The socket of a process's admin listener. */
export function adminSocketIn(folder: string, number: number): string {
  return join(folder, `admin-${number}.sock`);
}

/** Port 0 stays any free one. */
function portAt(listener: string, number: number): string {
  const [, port] = hostAndPort(listener);
  return port === 0 ? listener : listener.replace(/\d+$/, String(port + number - 1));
}

function socketAt(listener: string, number: number): string {
  return listener === 'off' || number === 1 ? listener : `${listener}-${number}`;
}
