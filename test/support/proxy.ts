import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { freePort } from './ports.ts';

/** A proxy that passes requests on, and opens tunnels. */
export interface TestProxy {
  url: string;
  /** What it was asked for, such as `CONNECT 127.0.0.1:443` and `POST http://127.0.0.1/v1`, with its credentials. */
  asked: { what: string; credentials: string | undefined; headers: IncomingMessage['headers'] }[];
  /** Connections to it that are open. */
  readonly open: number;
  close(): void;
}

/** How a proxy is. */
interface ProxyOptions {
  /** The status that it answers in place of doing anything. */
  refuses?: number;
  /** The certificate that it shows inside its tunnels, as the server that speaks no TLS itself. */
  tls?: { cert: Buffer; key: Buffer };
}

/** Starts one on a free port of the loopback. */
export async function startProxy({ refuses, tls }: ProxyOptions = {}): Promise<TestProxy> {
  const asked: TestProxy['asked'] = [];
  const sockets = new Set<Socket>();
  const note = ({ method, url, headers }: IncomingMessage) => {
    const credentials = headers['proxy-authorization'];
    asked.push({ what: `${method} ${url}`, credentials: credentials && decoded(credentials), headers });
  };
  const server = createServer((asking, reply) => {
    note(asking);
    if (refuses !== undefined) return reply.writeHead(refuses).end('refused');
    const { 'proxy-authorization': _, ...headers } = asking.headers;
    const passed = request(asking.url ?? '', { method: asking.method, headers, agent: false }, (answer) => {
      reply.writeHead(answer.statusCode ?? 0, answer.rawHeaders).flushHeaders();
      answer.on('error', () => reply.destroy());
      answer.pipe(reply);
    });
    passed.on('error', () => reply.destroy());
    reply.on('close', () => passed.destroy());
    asking.pipe(passed);
  });
  server.on('connect', (asking, socket: Socket, head) => {
    note(asking);
    socket.on('error', () => {});
    if (refuses !== undefined) return socket.end(`HTTP/1.1 ${refuses} No\r\ncontent-length: 0\r\n\r\n`);
    const [, host = '', port] = /^(.*):(\d+)$/.exec(asking.url ?? '') ?? [];
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.unshift(head);
      const inside = tls ? new TLSSocket(socket, { isServer: true, ...tls }) : socket;
      inside.on('error', () => onward.destroy());
      inside.pipe(onward).pipe(inside);
    });
    onward.on('error', () => socket.destroy());
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const port = await freePort();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    get open() {
      return sockets.size;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function decoded(credentials: string): string {
  return Buffer.from(credentials.replace('Basic ', ''), 'base64').toString();
}
