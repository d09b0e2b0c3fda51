import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startScriptedModel } from '../model/scripted.ts';
import { freePort } from '../ports.ts';
import { type Door, doorAt, hostedConfigFile, testConfigFile } from './door.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** A runtime that npm has installed, and how it runs a script of ours or a file of tests. */
export interface Runtime {
  readonly name: 'deno' | 'bun';
  readonly binary: string;
  /** What stands before the file, by what is to be done with it; `start` runs one that starts processes. */
  readonly args: {
    readonly run: readonly string[];
    readonly test: readonly string[];
    readonly start: readonly string[];
  };
  readonly env: Readonly<Record<string, string>>;
}

/** Starts a runtime on a file, given by its path in the project; it ends when the signal aborts. */
export function start(
  { binary, args, env }: Runtime,
  what: keyof Runtime['args'],
  file: string,
  more: { env?: Record<string, string>; signal?: AbortSignal } = {},
): ChildProcessWithoutNullStreams {
  const { env: given, ...rest } = more;
  return spawn(binary, [...args[what], `./${file}`], { ...rest, cwd: ROOT, env: { ...process.env, ...env, ...given } });
}

/**
 * The handler on a runtime's own server, in a process that ends with this one; `hosted` has hosted tools run there, `allow` are private
 * targets of their URLs.
 */
export async function openRuntime(runtime: Runtime, hosted = false, allow: readonly string[] = []): Promise<Door> {
  const model = await startScriptedModel();
  const port = await freePort();
  const config = (hosted ? hostedConfigFile : testConfigFile)(model);
  const egress = { allow: [...config.egress.allow, ...allow] };
  const env = { PORT: `${port}`, ANTIPHON_CONFIG: JSON.stringify({ ...config, egress }) };
  const child = start(runtime, 'run', 'test/runtimes/serve.ts', { env });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exited = once(child, 'close');
  let closing = false;
  // Else nothing but refused connections would tell.
  void exited.then(
    ([code, signal]) =>
      closing || console.error(`${runtime.name} has ended: ${signal ?? code}\n${stderr.slice(-2_000)}`),
  );
  const [first] = await Promise.race([once(child.stdout, 'data'), exited]);
  if (!String(first).startsWith('ready')) {
    await model.close();
    throw new Error(`${runtime.name} does not serve: ${stderr}`);
  }
  return doorAt(runtime.name, `http://127.0.0.1:${port}`, model, async () => {
    closing = true;
    child.kill('SIGKILL');
    await exited;
  });
}
