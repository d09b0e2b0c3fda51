import type { TestContext } from 'node:test';
import { configFor, type Mode } from '../../envoy/config.ts';
import { findEnvoy } from '../../envoy/find.ts';
import { serveGrpc } from '../../shim/server.ts';
import type { Fetch } from '../../shim/session.ts';
import { freePort } from '../support/ports.ts';
import { startConfigured } from './configured.ts';

/**
 * Starts an Envoy before this handler, with a shipped configuration in which `alter` has changed members as it likes (it gets
 * each name and value, as a reviver of JSON does), and gives its port. Both end with the test.
 */
export async function startAltered(
  t: TestContext,
  mode: Mode,
  fetch: Fetch,
  alter: (name: string, value: unknown) => unknown,
  accessLog?: (line: string) => void,
): Promise<number> {
  const limits = { body: 1024 * 1024, reply: 1024 * 1024, time: 60_000 };
  const shim = await serveGrpc({ address: `127.0.0.1:${await freePort()}`, fetch, limits, log: () => {} });
  t.after(shim.close);
  const { version } = await findEnvoy();
  const addresses = { host: '127.0.0.1', envoyPort: 0, grpcPort: shim.port };
  const config = JSON.parse(await configFor(mode, addresses, version), alter);
  return startConfigured(t, config, { accessLog });
}
