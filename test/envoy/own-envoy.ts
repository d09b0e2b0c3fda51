import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { findEnvoy } from '../../envoy/find.ts';
import { freePort } from '../support/ports.ts';

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

/**
 * An Envoy as an operator starts one: envoy.yaml as shipped, but for its addresses, in an environment. Gives its origin, once
 * its health check of the processor had time; ends with the test.
 */
export async function startOwnEnvoy(t: TestContext, grpc: Upstream, http: Upstream, env = {}): Promise<string> {
  const config: Parsed = parse(await readFile(new URL('../../envoy/envoy.yaml', import.meta.url), 'utf8'));
  const port = await freePort();
  delete config.admin;
  config.static_resources.listeners[0].address = { socket_address: { address: '127.0.0.1', port_value: port } };
  for (const [index, { at, tls }] of [grpc, http].entries()) {
    const cluster = config.static_resources.clusters[index];
    const socket_address = { address: '127.0.0.1', port_value: at };
    const address = typeof at === 'string' ? { pipe: { path: at } } : { socket_address };
    cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint = { address };
    if (tls) cluster.transport_socket = tls;
  }
  const { path } = await findEnvoy();
  const args = ['--config-yaml', JSON.stringify(config), '--disable-hot-restart', '--log-level', 'off'];
  const child = spawn(path, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const origin = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 600 && child.exitCode === null; tries++) {
    // What it answers, a 503 for one, is the test's to judge.
    if (
      await fetch(origin).then(
        (reply) => reply.ok || reply.status < 600,
        () => false,
      )
    )
      return origin;
    await sleep(50);
  }
  throw new Error('Envoy did not start');
}
