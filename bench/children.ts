import { type ChildProcess, fork, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process of ours; `stop` returns when it is gone. */
export interface Child {
  process: ChildProcess;
  pid: number;
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();

// The last resort of an exit that nobody planned: no process outlives the bench.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

/** Starts a script of this folder as a process that can be talked to, and resolves when it says that it is ready. */
export async function startScript(name: string, port: number, message?: object): Promise<Child> {
  const script = fileURLToPath(new URL(name, import.meta.url));
  const child = keep(fork(script, [String(port)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
  if (message) child.process.send(message);
  await Promise.race([once(child.process, 'message'), ended(child.process, name)]);
  return child;
}

/** A program to start. */
export interface Program {
  name: string;
  /** Default: the Node that runs the bench. */
  command?: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** What its stderr says when it is ready. Default: nothing, and nobody waits for it. */
  ready?: string;
  /** Its folder, which is removed even when nothing else can be done any more. */
  folder: string;
}

/** Starts a program and resolves when it is ready; its stdout goes nowhere. */
export async function startProgram(program: Program): Promise<Child> {
  const { name, command = process.execPath, args, env, ready = '', folder } = program;
  const options: SpawnOptions = { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } };
  const child = keep(spawn(command, args, options), folder);
  let said = '';
  if (ready === '') {
    child.process.stderr?.resume();
    return child;
  }
  const begun = new Promise<void>((resolve) => {
    child.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes(ready)) resolve();
    });
  });
  await Promise.race([begun, ended(child.process, name)]).catch((error) => {
    throw new Error(`${error.message}: ${said}`);
  });
  return child;
}

async function ended(child: ChildProcess, name: string): Promise<never> {
  await once(child, 'exit');
  throw new Error(`${name} ended before it was ready`);
}

function keep(child: ChildProcess, folder = ''): Child {
  if (child.pid === undefined) throw new Error('a process could not be started');
  running.add(child);
  const exited = once(child, 'exit').finally(() => running.delete(child));
  exited.catch(() => {});
  const release = endWithUs(child.pid, folder);
  void exited.then(release);
  return {
    process: child,
    pid: child.pid,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Ends a process when this one is gone, even by `kill -9`: a shell waits for the end of a pipe that only we hold. */
function endWithUs(pid: number, folder: string): () => void {
  const watch = spawn('sh', ['-c', 'read line; kill -9 "$0"; rm -rf "$1"', String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watch.unref();
  return () => watch.kill('SIGKILL');
}
