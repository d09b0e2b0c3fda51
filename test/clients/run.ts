import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { ClientsDoor } from './door.ts';

/** A client as its user runs it: a command that takes the name of a scenario. */
export interface Client {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What a scenario came to: its result, or what the client threw at its user. */
export interface Outcome {
  // biome-ignore lint/suspicious/noExplicitAny: each scenario has a result of its own
  result?: any;
  error?: { name: string; message: string; status: number | null };
}

/** A client that is running. */
export interface Running {
  /** Resolves with the next thing that the client tells it has seen. */
  seen(): Promise<unknown>;
  /** Resolves when its process has ended, which it does by itself. */
  outcome: Promise<Outcome>;
  /** Lets a client go that waits for it. */
  release(): void;
  kill(): void;
}

/** Starts a client on a scenario: it knows where the product is, and which model to name. */
export function start(client: Client, scenario: string, door: ClientsDoor, model: string): Running {
  const [command = '', ...args] = client.command;
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, OPENAI_BASE_URL: door.baseUrl, OPENAI_API_KEY: 'test', MODEL: model, ...client.env };
  const child = spawn(command, [...args, scenario], { env });
  const told: Queue = queue();
  const outcome = listen(child, told);
  outcome.catch(() => {}); // whoever awaits it hears of it
  return { seen: told.next, outcome, release: () => child.stdin.end(), kill: () => child.kill('SIGKILL') };
}

async function listen(child: ChildProcessWithoutNullStreams, told: Queue): Promise<Outcome> {
  let noise = '';
  let outcome: Outcome | undefined;
  child.stderr.on('data', (chunk) => {
    noise += chunk;
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = parse(line);
    if ('seen' in message) told.push(message.seen);
    else if ('result' in message || 'error' in message) outcome = message;
    else noise += `${line}\n`;
  });
  const [code] = await once(child, 'close');
  const failure = new Error(`the client has ended (${code}): ${JSON.stringify(outcome) ?? 'no outcome'} ${noise}`);
  told.end(failure);
  if (!outcome || code !== 0) throw failure;
  return outcome;
}

function parse(line: string): Outcome & { seen?: unknown } {
  try {
    const value = JSON.parse(line);
    return value && typeof value === 'object' ? value : {};
  } catch {
    return {};
  }
}

interface Queue {
  push(value: unknown): void;
  next(): Promise<unknown>;
  end(reason: Error): void;
}

function queue(): Queue {
  const values: unknown[] = [];
  const waiting: PromiseWithResolvers<unknown>[] = [];
  let ended: Error | undefined;
  return {
    push(value) {
      const next = waiting.shift();
      if (next) next.resolve(value);
      else values.push(value);
    },
    async next() {
      if (values.length > 0) return values.shift();
      if (ended) throw ended;
      const next = Promise.withResolvers<unknown>();
      waiting.push(next);
      return next.promise;
    },
    end(reason) {
      ended = reason;
      for (const next of waiting.splice(0)) next.reject(reason);
    },
  };
}
