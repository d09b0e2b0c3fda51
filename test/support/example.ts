import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { install, type Packed } from './pack.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

/** Copies an example out of the project and installs it with the packed package; `omit` are kinds of dependencies to leave out. */
export async function installExample({ dir, tarball }: Packed, name: string, omit?: 'dev'): Promise<string> {
  const folder = join(dir, name);
  await cp(join(ROOT, 'examples', name), folder, { recursive: true });
  return install(folder, [tarball, ...(omit ? [`--omit=${omit}`] : [])]);
}

/** Compiles all of an example, as strictly as can be. */
export async function compileExample(folder: string, options: object): Promise<void> {
  const strict = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
  };
  const compilerOptions = {
    ...{ target: 'es2024', lib: ['es2024'], module: 'nodenext', verbatimModuleSyntax: true, noEmit: true },
    ...{ erasableSyntaxOnly: true, allowImportingTsExtensions: true },
    ...strict,
    ...options,
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder]).catch(({ stdout, message }) => {
    throw new Error(stdout || message);
  });
}

/** An example as it runs. */
export interface RunningExample {
  origin: string;
  /** Tells it to stop, and resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** Starts an example by a command, with its port in the environment, and resolves once `path` answers there. */
export async function startExample(
  t: { after(fn: () => void): void },
  folder: string,
  [command = '', ...args]: readonly string[],
  port: number,
  env: Record<string, string>,
  path = '/livez',
): Promise<RunningExample> {
  const child: ChildProcess = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, ...env, PORT: `${port}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));
  const closed = once(child, 'close').then(([code]) => code as number | null); // as 'close' gives it
  let ended = false;
  void closed.then(() => (ended = true));
  const origin = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${origin}${path}`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (ended) throw new Error(`the example does not start: ${output}`);
    await sleep(50);
  }
  return {
    origin,
    async stop() {
      child.kill('SIGTERM');
      const code = await closed;
      if (code !== 0) console.error(output);
      return code;
    },
  };
}
