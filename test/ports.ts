import { createServer } from 'node:net';

/** Ports of the tests: below 32768, where no client's own connections get in the way. */
const FIRST = 20_000;
const LAST = 32_000;

/** A port of the loopback that was free a moment ago; test files run side by side, so each begins somewhere else. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (free) return port;
  }
}
