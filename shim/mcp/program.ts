import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Transport } from '@modelcontextprotocol/client';
import { fixedLimits } from '../../handler/index.ts';
import { log } from '../../handler/log.ts';
import { countMembers } from '../../handler/parse-json.ts';
import type { StdioServer } from '../../handler/tools/mcp/session.ts';

/** The longest message of a program, in bytes; one that says more is ended. */
const MAX_MESSAGE = 8 * 1024 * 1024;

/** How long a program may take to end by itself once its input has ended, in milliseconds. */
const END_MS = 2_000;

type Message = Parameters<NonNullable<Transport['onmessage']>>[0];

/** Programs that run: they end with this process, however it ends, but for one that is killed, whose programs read the end of their input. */
const running = new Set<ChildProcessWithoutNullStreams>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A program of the configuration, started when it is connected to: of the environment it has its own variables and PATH. */
export function programTransport({ label, command: [program, ...args], env }: StdioServer): Transport {
  let child: ChildProcessWithoutNullStreams | undefined;
  const transport: Transport = {
    async start() {
      const own = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, stdio: 'pipe', windowsHide: true });
      child = own;
      running.add(own);
      own.once('close', () => {
        running.delete(own);
        transport.onclose?.();
      });
      for (const stream of [own.stdin, own.stdout, own.stderr])
        stream.on('error', (error) => transport.onerror?.(error)); // its end is told by `close`
      linesOf(own, (line) => {
        const message = parse(line, () => own.kill('SIGKILL'));
        if (message) transport.onmessage?.(message);
      });
      own.stderr.on('data', (bytes) =>
        log.debug('a program of `mcp` says', { label, text: String(bytes).slice(0, 2_000) }),
      );
      await once(own, 'spawn');
    },
    async send(message) {
      if (!child || child.exitCode !== null) throw new Error('the program has ended');
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      child.stdin.write(`${JSON.stringify(message)}\n`, (error) => (error ? reject(error) : resolve()));
      await promise;
    },
    async close() {
      const own = child;
      if (!own || own.exitCode !== null || own.signalCode !== null) return;
      const closed = once(own, 'close');
      own.stdin.end();
      const timer = setTimeout(() => own.kill('SIGKILL'), END_MS);
      await closed;
      clearTimeout(timer);
    },
  };
  return transport;
}

/** Hands over each line of a program's output; one that is too long ends the program. */
function linesOf(child: ChildProcessWithoutNullStreams, take: (line: string) => void): void {
  let parts: Buffer[] = [];
  let size = 0;
  child.stdout.on('data', (bytes: Buffer) => {
    let rest = bytes;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      take(Buffer.concat([...parts, rest.subarray(0, end)]).toString());
      rest = rest.subarray(end + 1);
      [parts, size] = [[], 0];
    }
    parts.push(rest);
    size += rest.length;
    if (size > MAX_MESSAGE) child.kill('SIGKILL');
  });
}

/** A message; undefined for a line that is none, as programs print some. One that takes long to read is as one that is too long. */
function parse(line: string, refuse: () => void): Message | undefined {
  try {
    countMembers(line, fixedLimits.mcpMembers);
  } catch {
    refuse();
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'jsonrpc' in value ? (value as Message) : undefined; // the client checks it
  } catch {
    return undefined;
  }
}
