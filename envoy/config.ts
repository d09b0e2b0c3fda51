import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { minorOf } from './find.ts';

const FILES = { streamed: 'envoy.yaml', buffered: 'envoy-buffered.yaml', original: 'envoy-original.yaml' } as const;

/** Path to the WebSocket route in a listener. */
const FIRST_ROUTE = [
  ...['filter_chains', 0, 'filters', 0, 'typed_config'],
  ...['route_config', 'virtual_hosts', 0, 'routes', 0],
];

/** Path to the endpoints in a cluster, and to how its connections speak HTTP. */
const ENDPOINTS = ['load_assignment', 'endpoints', 0, 'lb_endpoints'];
const HTTP_OPTIONS = ['typed_extension_protocol_options', 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'];

/** Processing modes; each has a configuration file in this folder. */
export type Mode = keyof typeof FILES;

/** Address of a processor: on the loopback, or on unix sockets. Without its HTTP listener there are no WebSockets. */
export type Processor =
  | { grpcPort: number; httpPort?: number | undefined }
  | { grpcSocket: string; httpSocket?: string | undefined };

/** One processor, or several: all of them have an HTTP listener, or none. */
export type Processors = Processor | { processors: readonly Processor[] };

/** Addresses of Envoy. */
export interface Addresses {
  host: string;
  envoyPort: number;
  /** Unix socket of the admin interface. Default: off, since whoever reaches it can stop Envoy. */
  adminSocket?: string | undefined;
}

/** The shipped configuration of a mode with these addresses, as JSON for `--config-yaml`, which leaves no file to clean up. */
export async function configFor(mode: Mode, addresses: Addresses & Processors, version: string): Promise<string> {
  const { host, envoyPort, adminSocket } = addresses;
  const upstreams = ('processors' in addresses ? addresses.processors : [addresses]).map(upstreamsOf);
  const document = parseDocument(await readFile(new URL(FILES[mode], import.meta.url), 'utf8'));
  const listener = ['static_resources', 'listeners', 0];
  const clusters = ['static_resources', 'clusters'];
  const setEndpoints = (cluster: number, addresses: readonly object[]) => {
    const endpoints = addresses.map((address) => ({ endpoint: { address } }));
    document.setIn([...clusters, cluster, ...ENDPOINTS], document.createNode(endpoints));
  };
  const setAddress = (at: readonly (string | number)[], address: object) =>
    document.setIn([...at, 'address'], document.createNode(address));
  if (adminSocket !== undefined) setAddress(['admin'], { pipe: { path: adminSocket } });
  setAddress(listener, tcp(host, envoyPort));
  setEndpoints(
    0,
    upstreams.map(({ grpc }) => grpc),
  );
  const http = upstreams.flatMap(({ http }) => http ?? []);
  if (http.length > 0) setEndpoints(1, http);
  else {
    document.deleteIn([...clusters, 1]);
    document.deleteIn([...listener, ...FIRST_ROUTE]);
  }
  // Remove what older versions refuse.
  if (minorOf(version) < 38) document.deleteIn([...listener, 'per_connection_buffer_high_watermark_timeout']);
  if (minorOf(version) < 37) document.deleteIn([...clusters, 0, ...HTTP_OPTIONS, 'hash_policy']);
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
