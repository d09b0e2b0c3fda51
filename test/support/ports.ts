import { createServer } from 'node:net';

/** Ports of the tests: below 32768, where no client's own connections get in the way. */
const FIRST = 20_000;
const COUNT = 12_000;
/** A prime far from any part of COUNT: processes that follow each other begin far apart. */
const APART = 4_783;

let tried = process.pid * APART;

/**
 * A port of the loopback that was free a moment ago. No process is given one twice before it has had all of them, and
 * test files, each a process, begin far apart: a port that somebody else got in between has made an Envoy its own upstream.
 */
export async function freePort(): Promise<number> {
  return freePorts(1);
}

/** The same of the first of several ports that follow each other. */
export async function freePorts(count: number): Promise<number> {
  for (let free = 0; ; ) {
    const port = FIRST + (tried++ % COUNT);
    free = (await isFree(port)) ? free + 1 : 0;
    if (free === count) return port - count + 1;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  await new Promise((resolve) => server.close(resolve));
  return free;
}

/** A port of the loopback on which nobody listens: `discard`, below what is free to all, and run by no one any more. */
export const UNREACHABLE = 9;
