import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { type EnvoyLine, lineSplitter, parseLine } from './log-line.ts';

/** How long Envoy may take to stop after SIGTERM, which takes milliseconds; then it hangs and is killed. */
const STOP_LIMIT_MS = 3_000;
/** The characters of a line that are read: more than Envoy's limit of 60 KiB on the headers of a request. */
const MAX_LINE = 128 * 1024;

/** An Envoy process: `exited` resolves with its exit code, or null after a signal; `stop` returns when it is gone. */
export interface EnvoyProcess {
  pid: number;
  exited: Promise<number | null>;
  lastLogLine(): string;
  stop(): Promise<void>;
}

/**
 * Launches Envoy. Its access log goes line by line to `accessLog` or nowhere, its own log to `ownLog`, for which it has to be in
 * LOG_FORMAT, or to our stderr. It ends with this process.
 */
export function launch(
  path: string,
  args: readonly string[],
  accessLog?: (line: string) => void,
  ownLog?: (line: EnvoyLine) => void,
): EnvoyProcess {
  const watch = watchdog(); // before what it watches: a kill -9 in between would leave an Envoy that nobody ends
  // A process group of its own: Ctrl-C then reaches only us, and we can drain before Envoy stops.
  const child = spawn('sh', ['-c', LAUNCH_SCRIPT, path, ...args], {
    detached: true,
    stdio: ['ignore', accessLog ? 'pipe' : 'ignore', 'pipe', watch.input],
  });
  if (child.pid === undefined) {
    child.once('error', () => {}); // the next line reports it
    watch.release();
    throw new Error('sh cannot be run');
  }
  let last = '';
  let stopping = false;
  const split = lineSplitter(MAX_LINE, (text) => {
    const line = parseLine(text);
    if (line.message.trim() !== '') last = line.message.trim();
    if (!stopping) ownLog?.(line); // it would warn of our signal
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    split(text);
    if (!stopping && !ownLog) process.stderr.write(text);
  });
  child.stderr?.once('end', () => split('\n'));
  if (accessLog) child.stdout?.setEncoding('utf8').on('data', lineSplitter(MAX_LINE, accessLog));

  // 'close' and not 'exit': then the last lines of both logs have been read.
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  void exited.then(watch.release);
  return {
    pid: child.pid,
    exited,
    lastLogLine: () => last,
    stop: async () => {
      stopping = true;
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
      await exited;
      clearTimeout(killer);
    },
  };
}

/** Kills a process when this one dies, unless it is released before. */
interface Watchdog {
  /** Takes the pid of the process, in a line. */
  input: Writable;
  release(): void;
}

/**
 * Shell script: names itself to the watchdog, and becomes Envoy. Named by us, an Envoy would be left where we are killed after
 * it has begun and before it is named.
 */
const LAUNCH_SCRIPT = 'echo "$$" >&3; exec "$0" "$@" 3>&-';

/** Shell script: reads a pid, waits for the end of its input, and then stops the process, by force after 3 s. */
const WATCH_SCRIPT = `read -r pid && { read -r rest; kill "$pid" && for n in 1 2 3; do sleep 1; kill -0 "$pid" || exit; done; kill -9 "$pid"; }`;

/**
 * Survives `kill -9` of this process, which lets us clean up nothing: a shell of 1 MB in a process group of its own waits for the
 * end of a pipe that only we hold.
 */
function watchdog(): Watchdog {
  const shell = spawn('sh', ['-c', WATCH_SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  shell.once('error', () => {}); // without sh there is no Envoy either
  shell.stdin.once('error', () => {});
  shell.unref();
  return {
    input: shell.stdin,
    release: () => void shell.kill('SIGKILL'),
  };
}
