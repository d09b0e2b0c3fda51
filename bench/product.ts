import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newFolder } from '../test/support/folder.ts';
import { freePort } from '../test/support/ports.ts';
import { type Child, startProgram } from './children.ts';

/** The product as its own command starts it, without an Envoy. */
export interface Product extends Child {
  grpc: number;
  http: number;
  /** When its process was started, by `performance.now()`. */
  begun: number;
  /** Bytes of its database, the write-ahead log included. */
  databaseSize(): Promise<number>;
}

/**
 * Whether the product is the built package in `dist`, which is not waited for, a folder for its CPU profile, where its traces and
 * metrics go, whether its model has two servers, which are both the mock, and what else its entry says.
 */
export interface ProductOptions {
  built?: boolean;
  profile?: string | undefined;
  otlp?: string;
  routed?: boolean;
  entry?: object;
}

/** Starts the product on the mock model with a database of its own. */
export async function startProduct(
  mockPort: number,
  { built, profile, otlp, routed, entry }: ProductOptions = {},
): Promise<Product> {
  const folder = newFolder();
  const [grpc, http] = [await freePort(), await freePort()];
  const config = join(folder, 'config.yaml');
  const url = `http://127.0.0.1:${mockPort}/v1`;
  const servers = entry ?? (routed ? { to: [{ url }, { url: `${url}/` }] } : { url });
  const models = [{ match: 'bench', backend: 'chat', ...servers }];
  const database = `sqlite:${join(folder, 'bench.db')}`;
  await writeFile(config, JSON.stringify({ models, database, listen: { admin: 'off' } })); // YAML takes JSON as it is
  const main = fileURLToPath(new URL(built ? '../dist/shim/main.js' : '../shim/main.ts', import.meta.url));
  const node = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  const args = [...node, main, '-config', config, '-no-envoy', '-port', `${grpc}`, '-http-port', `${http}`];
  const begun = performance.now();
  const child = await startProgram({
    name: 'the product',
    args,
    folder,
    ...(otlp && { env: { OTEL_EXPORTER_OTLP_ENDPOINT: otlp } }),
    ...(!built && { ready: 'Antiphon is ready' }),
  });
  return {
    ...child,
    grpc,
    http,
    begun,
    async databaseSize() {
      const files = (await readdir(folder)).filter((name) => name.startsWith('bench.db') && !name.endsWith('-reserve'));
      const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
  };
}
