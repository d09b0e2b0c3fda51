import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** How long Envoy may take to stop after SIGTERM, which takes milliseconds; then it hangs and is killed. */
const STOP_LIMIT_MS = 3_000;
/** Characters of Envoy's log that are kept: enough for the line that says why it could not start. */
const TAIL_CHARACTERS = 4_000;

/** An Envoy process: `exited` resolves with its exit code, or null after a signal; `stop` returns when it is gone. */
export interface EnvoyProcess {
  pid: number;
  exited: Promise<number | null>;
  lastLogLine(): string;
  stop(): Promise<void>;
}

/**
 * Launches Envoy. Its log goes to our stderr, its access log line by line to `accessLog` or nowhere. It ends with this
 * process.
 */
export function launch(path: string, args: readonly string[], accessLog?: (line: string) => void): EnvoyProcess {
  const watch = watchdog(); // before what it watches: a kill -9 in between would leave an Envoy that nobody ends
  // A process group of its own: Ctrl-C then reaches only us, and we can drain before Envoy stops.
  const child = spawn(path, args, { detached: true, stdio: ['ignore', accessLog ? 'pipe' : 'ignore', 'pipe'] });
  if (child.pid === undefined) {
    child.once('error', () => {}); // the next line reports it
    watch.release();
    throw new Error(`${path} cannot be run`);
  }
  let tail = '';
  let stopping = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-TAIL_CHARACTERS);
    if (!stopping) process.stderr.write(text); // it would warn of our signal
  });
  if (accessLog && child.stdout) createInterface({ input: child.stdout }).on('line', accessLog);

  watch.name(child.pid);
  // 'close' and not 'exit': then the last lines of both logs have been read.
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  void exited.then(watch.release);
  return {
    pid: child.pid,
    exited,
    lastLogLine: () => tail.trim().split('\n').at(-1) ?? '',
    stop: async () => {
      stopping = true;
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await exited;
      clearTimeout(killer);
    },
  };
}

/** Kills a named process when this one dies, unless it is released before. */
interface Watchdog {
  name(pid: number): void;
  release(): void;
}

/** Shell script: reads a pid, waits for the end of its input, and then stops the process, by force after 3 s. */
const WATCH_SCRIPT = `read -r pid && { read -r rest; kill "$pid" && for n in 1 2 3; do sleep 1; kill -0 "$pid" || exit; done; kill -9 "$pid"; }`;

/**
 * Survives `kill -9` of this process, which lets us clean up nothing: a shell of 1 MB in a process group of its own waits for the
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
