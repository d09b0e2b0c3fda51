import { setTimeout as sleep } from 'node:timers/promises';
import { launch } from '../envoy/child.ts';
import { findEnvoy } from '../envoy/find.ts';
import { accepts } from '../envoy/ports.ts';

/** How long an Envoy on a loaded machine may take to listen. */
const START_LIMIT_MS = 15_000;

/** An Envoy that only routes: what any Envoy costs, and no less. */
export async function startFloor(
  envoyPort: number,
  upstreamPort: number,
): Promise<{ pid: number; stop(): Promise<void> }> {
  const { path } = await findEnvoy();
  const envoy = launch(path, [
    ...['--config-yaml', JSON.stringify(configOf(envoyPort, upstreamPort))],
    ...['--disable-hot-restart', '--log-level', 'error'],
  ]);
  for (const limit = Date.now() + START_LIMIT_MS; !(await accepts('127.0.0.1', envoyPort)); await sleep(50)) {
    if (Date.now() > limit) throw new Error('the Envoy that only routes did not start');
  }
  return { pid: envoy.pid, stop: envoy.stop };
}

const TYPES = 'type.googleapis.com/envoy.extensions';

function configOf(envoyPort: number, upstreamPort: number): object {
  const at = (port_value: number) => ({ socket_address: { address: '127.0.0.1', port_value } });
  const manager = {
    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'floor',
    http_filters: [{ name: 'router', typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` } }],
    route_config: {
      virtual_hosts: [
        {
          name: 'plain',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'plain', timeout: '0s' } }],
        },
      ],
    },
  };
  const plain = {
    name: 'plain',
    type: 'STATIC',
    load_assignment: {
      cluster_name: 'plain',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: at(upstreamPort) } }] }],
    },
  };
  return {
    static_resources: {
      listeners: [
        {
          name: 'floor',
          address: at(envoyPort),
          filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
        },
      ],
      clusters: [plain],
    },
  };
}
