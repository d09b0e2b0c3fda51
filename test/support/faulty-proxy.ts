import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { freePort } from './ports.ts';

/** What happens to what a client sends: it passes, is cut off before it has come to the server, or after the server has done it; or nothing passes. */
export type Fate = 'passes' | 'before' | 'after' | 'stalls';

/** A way to a server on which connections end where a test wants them to. */
export interface FaultyProxy {
  port: number;
  /** Decides the fate of each piece that a client sends from now on, by its size, but for those of a connection's beginning. */
  decide(fate: (bytes: number) => Fate): void;
  /** Stops everything on the connections that there are, without closing one; with `all` also on later ones, until it is called with `none`. */
  stall(which: 'these' | 'all' | 'none'): void;
  /** Pieces that were cut off. */
  readonly cuts: number;
  close(): Promise<void>;
}

/** Starts one before a port of this machine; it knows PostgreSQL's messages so far as to tell where a connection has begun. */
export async function startFaultyProxy(target: number): Promise<FaultyProxy> {
  let next: (bytes: number) => Fate = () => 'passes';
  let cuts = 0;
  let isStalled = false;
  const pairs = new Set<{ client: Socket; server: Socket; stalls: boolean; end(): void }>();
  const server = createServer((client) => {
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      pair.server.destroy();
    };
    const pair = { client, server: connect(target, '127.0.0.1'), stalls: isStalled, end };
    pairs.add(pair);
    let hasBegun = false;
    let isLast = false;
    client.on('data', (data) => {
      if (pair.stalls) return;
      const fate = hasBegun ? next(data.length) : 'passes';
      if (fate === 'stalls') pair.stalls = true;
      if (fate === 'before' || fate === 'after') cuts++;
      if (fate === 'before') return end();
      isLast = fate === 'after';
      if (!pair.stalls) pair.server.write(data);
    });
    pair.server.on('data', (data) => {
      if (pair.stalls) return;
      if (isLast) return end(); // it has answered: it was done
      hasBegun ||= data.includes('server_version');
      client.write(data);
    });
    for (const socket of [client, pair.server]) {
      socket.unref();
      socket.on('error', end);
      socket.on('close', () => (pair.stalls ? undefined : end()));
    }
  });
  server.listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  server.unref(); // it ends with the process
  return {
    port: (server.address() as { port: number }).port, // it listens on TCP
    decide(fate) {
      next = fate;
    },
    stall(which) {
      isStalled = which === 'all';
      for (const pair of pairs) {
        if (which !== 'none') pair.stalls = true;
        else if (pair.stalls) pair.end(); // what comes through again finds nobody who knows of it
      }
    },
    get cuts() {
      return cuts;
    },
    async close() {
      for (const { client, server } of pairs) {
        client.destroy();
        server.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
