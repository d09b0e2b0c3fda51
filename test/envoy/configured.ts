import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch } from '../../envoy/child.ts';
import { findEnvoy } from '../../envoy/find.ts';
import { accepts } from '../../envoy/ports.ts';
import { freePort } from '../support/ports.ts';

/** What a test closes with. */
export interface Closes {
  after(then: () => Promise<void>): void;
}

/**
 * Starts an Envoy with a whole configuration, whose first listener gets a free port, and gives that port once it is open, which is when
 * the first health checks have been made. `env` is added to its environment. It ends with the test; one that ends by itself fails it.
 */
export async function startConfigured(
  t: Closes,
  // biome-ignore lint/suspicious/noExplicitAny: a configuration that was parsed without a schema
  config: any,
  { env = {}, accessLog }: { env?: Record<string, string>; accessLog?: ((line: string) => void) | undefined } = {},
): Promise<number> {
  const port = await freePort();
  config.static_resources.listeners[0].address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const { path } = await findEnvoy();
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const args = [...variables, path, '--config-yaml', JSON.stringify(config), '--disable-hot-restart'];
  const envoy = launch('env', [...args, '--log-level', 'error', '--file-flush-interval-msec', '50'], accessLog);
  t.after(envoy.stop);
  const ended = envoy.exited.then(() => assert.fail(envoy.lastLogLine()));
  ended.catch(() => {}); // it is stopped in the end
  while (!(await accepts('127.0.0.1', port))) await Promise.race([sleep(20), ended]);
  return port;
}
