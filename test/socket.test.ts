import { once } from 'node:events';
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import type { Socket } from '../handler/socket.ts';
import { type StandardWebSocket, standardSocket } from '../handler/websocket/standard.ts';
import { openSockets } from '../shim/websocket.ts';
import { tryContract } from './support/contract.ts';
import { freePort } from './support/ports.ts';
import { type SocketSubject, socketContract } from './support/socket-contract.ts';

tryContract('a socket of Node', socketContract, async () => {
  const opened = Promise.withResolvers<Socket>();
  const closing = Promise.withResolvers<void>();
  const serve = (socket: Socket) => {
    opened.resolve(socket);
    return closing.promise;
  };
  const sockets = openSockets(1024 * 1024, (_, { upgrade }) => upgrade?.(serve, {}) ?? new Response());
  const server = createServer().on('upgrade', sockets.upgrade);
  return connect(server, opened.promise, () => {
    closing.resolve();
    sockets.cut();
  });
});

// ws's sockets have the interface of the web's as well.
tryContract('a web-standard socket', socketContract, async () => {
  const opened = Promise.withResolvers<Socket>();
  const server = createServer();
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (socket) => opened.resolve(standardSocket(socket as unknown as StandardWebSocket)));
  return connect(server, opened.promise, () => {
    for (const socket of sockets.clients) socket.terminate();
  });
});

/** A client of a server, and what the server has of its connection. */
async function connect(
  server: ReturnType<typeof createServer>,
  opened: Promise<Socket>,
  cut: () => void,
): Promise<SocketSubject> {
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false }).on('error', () => {});
  const [socket] = await Promise.all([opened, once(client, 'open')]);
  return {
    socket,
    client,
    async close() {
      client.terminate();
      cut();
      server.close();
    },
  };
}
