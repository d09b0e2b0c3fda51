import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What went between clients and a PostgreSQL so far. */
export interface Traffic {
  /** Answers that were whole: one for each round trip. */
  roundTrips: number;
  /** Bytes to the database, and from it. */
  to: number;
  from: number;
}

/** A relay in front of a PostgreSQL that counts what goes through it. */
export interface Counter {
  port: number;
  read(): Traffic;
  stop(): Promise<void>;
}

/** Starts a relay to a port of the loopback. It reads the server's messages: a type of one byte, and a length. */
export async function startCounter(port: number): Promise<Counter> {
  const traffic: Traffic = { roundTrips: 0, to: 0, from: 0 };
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const database = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [client, database],
      [database, client],
    ] as const) {
      socket.setNoDelay(true);
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (data) => {
      traffic.to += data.length;
      database.write(data);
    });
    const count = countReady(() => traffic.roundTrips++);
    database.on('data', (data) => {
      traffic.from += data.length;
      count(data);
      client.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port, // it listens on a port
    read: () => ({ ...traffic }),
    async stop() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const READY_FOR_QUERY = 'Z'.charCodeAt(0);
const HEAD = 5;

/** Takes the server's bytes in pieces, and calls `onReady` for each of its messages ReadyForQuery. */
function countReady(onReady: () => void): (data: Buffer) => void {
  let begun = Buffer.alloc(0);
  let skip = 0;
  return (data) => {
    let at = Math.min(skip, data.length);
    skip -= at;
    begun = Buffer.concat([begun, data.subarray(at)]);
    for (at = 0; begun.length - at >= HEAD; ) {
      if (begun[at] === READY_FOR_QUERY) onReady();
      at += 1 + begun.readUInt32BE(at + 1);
    }
    skip = Math.max(0, at - begun.length);
    begun = begun.subarray(Math.min(at, begun.length));
  };
}
