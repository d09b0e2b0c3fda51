import { fork } from 'node:child_process';
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunningProcess } from '../../envoy/keep-running.ts';

/** What a process tells its supervisor: that it serves, or why it cannot. */
export type FromChild = { ready: true } | { failed: string };

/** What a supervisor tells its processes: whether our Envoy runs. */
export interface ToChild {
  envoy: boolean;
}

/** One of several processes, while it runs. */
export interface Child extends RunningProcess {
  tell(message: ToChild): void;
  kill(signal: NodeJS.Signals): void;
}

/** How one of several processes is started. */
export interface ChildOptions {
  number: number;
  /** The folder of its sockets. */
  folder: string;
  /** The flags of the command. */
  args: readonly string[];
  /** Takes whole lines of its log; `false` has it wait for `room`. */
  write(lines: string): boolean;
  room(): Promise<unknown>;
  signal: AbortSignal;
}

const FILE = new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url);

/** The folder in which this process keeps what it has compiled: Node tells a folder of its version below. */
function compileCache(): string | undefined {
  const folder = getCompileCacheDir();
  return folder && dirname(folder);
}

/** Starts a process, and resolves once it serves; rejects with an Error that says why it does not, and then it has ended. */
export async function startChild({ number, folder, args, write, room, signal }: ChildOptions): Promise<Child> {
  const child = fork(fileURLToPath(FILE), [String(number), folder, ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { NODE_COMPILE_CACHE: compileCache(), ...process.env },
  });
  const { stdout } = child;
  let begun = '';
  stdout?.setEncoding('utf8').on('data', (text: string) => {
    const end = text.lastIndexOf('\n') + 1;
    const lines = begun + text.slice(0, end);
    begun = end === 0 ? begun + text : text.slice(end); // of a process that is killed in a line, the line is lost
    if (end === 0 || write(lines)) return;
    stdout.pause();
    void room().then(() => stdout.resume());
  });
  // 'close' and not 'exit': then the last lines have been read.
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const impossible = new Promise<never>((_, reject) => child.once('error', reject)); // no process can be made
  impossible.catch(() => {});
  child.on('error', () => {}); // a signal or message that came too late
  const abort = () => child.kill('SIGTERM');
  signal.addEventListener('abort', abort);
  const told = new Promise<FromChild>((resolve) => child.once('message', (message) => resolve(message as FromChild))); // it is ours
  const came = await Promise.race([told, exited, impossible]);
  signal.removeEventListener('abort', abort);
  if (signal.aborted) {
    child.kill('SIGTERM');
    await exited;
    signal.throwIfAborted();
  }
  if (came === null || typeof came === 'number')
    throw new Error(`process ${number} has ended with ${came ?? 'a signal'}`);
  if ('failed' in came) {
    await exited;
    throw new Error(came.failed);
  }
  return {
    exited,
    tell: (message) => void child.send(message, () => {}),
    kill: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
