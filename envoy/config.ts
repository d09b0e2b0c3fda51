import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { minorOf } from './find.ts';

const FILES = { streamed: 'envoy.yaml', buffered: 'envoy-buffered.yaml', original: 'envoy-original.yaml' } as const;

/** Path to the WebSocket route in a listener. */
const FIRST_ROUTE = [
  ...['filter_chains', 0, 'filters', 0, 'typed_config'],
  ...['route_config', 'virtual_hosts', 0, 'routes', 0],
];

/** Processing modes; each has a configuration file in this folder. */
export type Mode = keyof typeof FILES;

/** Address of the processor: on the loopback, or on unix sockets. Without its HTTP listener there are no WebSockets. */
export type Processor =
  | { grpcPort: number; httpPort?: number | undefined }
  | { grpcSocket: string; httpSocket?: string | undefined };

/** Addresses of Envoy. */
export interface Addresses {
  host: string;
  envoyPort: number;
  /** Unix socket of the admin interface. Default: off, since whoever reaches it can stop Envoy. */
  adminSocket?: string | undefined;
}

/** The shipped configuration of a mode with these addresses, as JSON for `--config-yaml`, which leaves no file to clean up. */
export async function configFor(mode: Mode, addresses: Addresses & Processor, version: string): Promise<string> {
  const { host, envoyPort, adminSocket } = addresses;
  const { grpc, http } = upstreamsOf(addresses);
  const document = parseDocument(await readFile(new URL(FILES[mode], import.meta.url), 'utf8'));
  const listener = ['static_resources', 'listeners', 0];
  const clusters = ['static_resources', 'clusters'];
  const endpoint = ['load_assignment', 'endpoints', 0, 'lb_endpoints', 0, 'endpoint'];
  const setAddress = (at: readonly (string | number)[], address: object) =>
    document.setIn([...at, 'address'], document.createNode(address));
  if (adminSocket !== undefined) setAddress(['admin'], { pipe: { path: adminSocket } });
  setAddress(listener, tcp(host, envoyPort));
  setAddress([...clusters, 0, ...endpoint], grpc);
  if (http) setAddress([...clusters, 1, ...endpoint], http);
  else {
    document.deleteIn([...clusters, 1]);
    document.deleteIn([...listener, ...FIRST_ROUTE]);
  }
  // Remove the field before 1.38: older versions refuse it.
  if (minorOf(version) < 38) document.deleteIn([...listener, 'per_connection_buffer_high_watermark_timeout']);
  return JSON.stringify(document.toJS());
}

function upstreamsOf(processor: Processor): { grpc: object; http: object | undefined } {
  if ('grpcSocket' in processor) {
    const { grpcSocket, httpSocket } = processor;
    return { grpc: pipe(grpcSocket), http: httpSocket === undefined ? undefined : pipe(httpSocket) };
  }
  const { grpcPort, httpPort } = processor;
  return { grpc: tcp('127.0.0.1', grpcPort), http: httpPort === undefined ? undefined : tcp('127.0.0.1', httpPort) };
}

function tcp(address: string, port_value: number): object {
  return { socket_address: { address, port_value } };
}

function pipe(path: string): object {
  return { pipe: { path } };
}
