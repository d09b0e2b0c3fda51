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

/**
 * Launches the binary; its log goes to our stderr, its access log, a line at a time, to `accessLog` or nowhere. It ends with
 * this process.
 */
export function launch(path: string, args: readonly string[], accessLog?: (line: string) => void): EnvoyProcess {
  const watch = watchdog(); // before what it watches: a kill -9 in between would leave an Envoy that nobody ends
  // A process group of its own: Ctrl-C then reaches only us, and we can drain before Envoy stops.
  const child = spawn(path, args, { detached: true, stdio: ['ignore', accessLog ? 'pipe' : 'ignore', 'pipe'] });
  if (child.pid === undefined) {
    child.once('error', () => {}); // it says no more than the next line
    watch.release();
    throw new Error(`${path} cannot be run`);
  }
  let tail = '';
  let stopping = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-TAIL_CHARACTERS);
    if (!stopping) process.stderr.write(text); // it would warn of the signal that we send
  });
  if (accessLog && child.stdout) createInterface({ input: child.stdout }).on('line', accessLog);

  watch.name(child.pid);
  // 'close' and not 'exit': then the last lines of both logs have been read.
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  void exited.then(watch.release);
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

/** Ends a process, once it is named, when this one is gone, unless it is released before. */
interface Watchdog {
  name(pid: number): void;
  release(): void;
}

/** Waits for a process and for the end of its input; asks the process to end, and has it killed if it does not. */
const WATCH_SCRIPT = `read -r pid && { read -r rest; kill "$pid" && for n in 1 2 3; do sleep 1; kill -0 "$pid" || exit; done; kill -9 "$pid"; }`;

/**
 * `kill -9` leaves us no moment to end anything ourselves: a shell of 1 MB, out of reach of what is sent to our group, waits for the
 * end of a pipe that only we hold.
 */
function watchdog(): Watchdog {
  const shell = spawn('sh', ['-c', WATCH_SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.once('error', () => {}); // a machine without sh: Envoy then outlives a kill -9, nothing else
  shell.stdin.once('error', () => {});
  shell.unref();
  return {
    name: (pid) => void shell.stdin.write(`${pid}\n`),
    release: () => void shell.kill('SIGKILL'),
  };
}
