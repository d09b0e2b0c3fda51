import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** SIGTERM ends Envoy in milliseconds; one that has not gone by now hangs. */
const STOP_LIMIT_MS = 3_000;
/** Enough of Envoy's log to hold the line that says why it could not start. */
const TAIL_CHARACTERS = 4_000;

/** An Envoy process: `exited` resolves with its exit code, or null after a signal; `stop` returns when it is gone. */
export interface EnvoyProcess {
  pid: number;
  exited: Promise<number | null>;
  lastWords(): string;
  stop(): Promise<void>;
}

/** Launches the binary; its log goes to our stderr, its access log, a line at a time, to `accessLog` or nowhere. */
export function launch(path: string, args: readonly string[], accessLog?: (line: string) => void): EnvoyProcess {
  // A process group of its own: Ctrl-C then reaches only us, and we can drain before Envoy stops.
  const child = spawn(path, args, { detached: true, stdio: ['ignore', accessLog ? 'pipe' : 'ignore', 'pipe'] });
  if (child.pid === undefined) {
    child.once('error', () => {}); // it says no more than the next line
    throw new Error(`${path} cannot be run`);
  }
  let tail = '';
  let stopping = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-TAIL_CHARACTERS);
    if (!stopping) process.stderr.write(text); // it would warn of the signal that we send
  });
  if (accessLog && child.stdout) createInterface({ input: child.stdout }).on('line', accessLog);

  const release = endWithUs(child.pid);
  // 'close' and not 'exit': then the last lines of both logs have been read.
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  void exited.then(release);
  return {
    pid: child.pid,
    exited,
    lastWords: () => tail.trim().split('\n').at(-1) ?? '',
    stop: async () => {
      stopping = true;
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await exited;
      clearTimeout(killer);
    },
  };
}

/**
 * Ends `pid` when this process is gone, even by `kill -9`, which leaves us no moment to do it ourselves: a shell that
 * costs 1 MB waits for the end of a pipe that only we hold. Call what it returns when `pid` has ended by itself.
 */
function endWithUs(pid: number): () => void {
  const watch = spawn('sh', ['-c', 'read line; kill "$0"', String(pid)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watch.once('error', () => {}); // a machine without sh: Envoy then outlives a kill -9, nothing else
  watch.unref();
  return () => watch.kill('SIGKILL');
}
