import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { type Closes, startConfigured } from './configured.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests reach into what was parsed without a schema
type Parsed = any;

/** Where an operator has the two clusters of envoy.yaml lead: a port of the loopback, or a unix socket; `tls` is how. */
export interface Upstream {
  at: number | string;
  tls?: object;
}

/** What mutual TLS to the processor takes; without `client` we show no certificate. */
export function upstreamTls(client?: string): object {
  const file = (name: string) => ({ filename: `${import.meta.dirname}/../fixtures/tls/${name}` });
  const shown = client && [{ certificate_chain: file(`${client}.pem`), private_key: file(`${client}.key`) }];
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      sni: 'antiphon',
      common_tls_context: {
        tls_certificates: shown || [],
        validation_context: {
          trusted_ca: file('authority.pem'),
          match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'antiphon' } }],
        },
      },
    },
  };
}

/** What an operator has changed in a file of ours. */
export interface Changes {
  /** Default: envoy.yaml. */
  file?: string;
  /** The ways of telling who calls whose lines are no comments, and `proof`. Default: none. */
  ways?: readonly string[];
  /** What else, in the parsed file. */
  change?(config: Parsed): void;
}

/**
 * An Envoy as an operator starts one: envoy.yaml as shipped, or another of our files, but for its addresses and what was changed, in an
 * environment. Gives its origin, by plain HTTP; ends with the test.
 */
export async function startOwnEnvoy(
  t: Closes,
  grpc: Upstream,
  http: Upstream,
  env = {},
  { file = 'envoy.yaml', ways = [], change }: Changes = {},
): Promise<string> {
  const text = await readFile(new URL(`../../envoy/${file}`, import.meta.url), 'utf8');
  const config: Parsed = parse(ways.reduce((text, way) => text.replaceAll(`#${way} `, ''), text));
  for (const [index, { at, tls }] of [grpc, http].entries()) {
    const cluster = config.static_resources.clusters[index];
    const socket_address = { address: '127.0.0.1', port_value: at };
    const address = typeof at === 'string' ? { pipe: { path: at } } : { socket_address };
    cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint = { address };
    if (tls) cluster.transport_socket = tls;
  }
  change?.(config);
  return `http://127.0.0.1:${await startConfigured(t, config, { env })}`;
}
