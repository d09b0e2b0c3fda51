import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { newFolder } from './folder.ts';
import { freePort } from './ports.ts';

/** The product as its command starts it, in a process of its own. */
export interface ProductProcess {
  /** What was printed so far. */
  stdout(): string;
  stderr(): string;
  /** The port of the ext_proc processor. */
  grpc: number;
  http: string;
  envoy: string;
  admin: string;
  kill(signal: NodeJS.Signals): void;
  pid: number;
  /** The exit code; null after a signal. */
  exited: Promise<number | null>;
}

/**
 * Starts `shim/main.ts` on free ports, unless the configuration says where (`listens`), in a folder of its own that goes with
 * it, and resolves when it is ready or has exited.
 */
export async function startCommand(
  args: readonly string[],
  env: Record<string, string> = {},
  listens: 'ports' | 'configured' = 'ports',
): Promise<ProductProcess> {
  const [grpc, http, envoy, admin] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const ports = ['-port', `${grpc}`, '--http-port', `${http}`, `-envoy-port=${envoy}`, '-admin-port', `${admin}`];
  const main = new URL('../../shim/main.ts', import.meta.url).pathname;
  const cwd = newFolder();
  const { OPENAI_BASE_URL: _url, OPENAI_API_KEY: _key, ...clean } = process.env;
  const child = spawn(process.execPath, [main, ...(listens === 'ports' ? ports : []), ...args], {
    cwd,
    env: { ...clean, ...env },
  });
  let stdout = '';
  let stderr = '';
  const ready = Promise.withResolvers<void>();
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
    if (stderr.includes('Antiphon is ready')) ready.resolve();
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  await Promise.race([ready.promise, exited]);
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    grpc,
    http: `http://127.0.0.1:${http}`,
    envoy: `http://127.0.0.1:${envoy}`,
    admin: `http://127.0.0.1:${admin}`,
    pid: child.pid ?? 0,
    kill: (signal) => child.kill(signal),
    exited,
  };
}

/** Writes a configuration (YAML takes JSON as it is) and gives the file's path. */
export async function writeConfig(dir: string, config: object | string): Promise<string> {
  const file = `${dir}/config-${Math.random().toString(36).slice(2)}.yaml`;
  await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config));
  return file;
}
