import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { freePort } from './ports.ts';

/** A request as a server of the egress's tests got it. */
export interface AskedRequest {
  line: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A server that answers as it is told, and keeps what it was asked. */
export interface EgressServer {
  port: number;
  origin: string;
  asked: AskedRequest[];
  /** Connections that are open. */
  connections(): Promise<number>;
}

/** Starts a server on an address of the loopback, for as long as a test. */
export async function startServer(
  t: TestContext,
  answer: (request: AskedRequest, reply: ServerResponse) => unknown,
  host = '127.0.0.1',
): Promise<EgressServer> {
  const asked: AskedRequest[] = [];
  const server = createServer(async (request, reply) => {
    const got = { line: `${request.method} ${request.url}`, headers: request.headers, body: await text(request) };
    asked.push(got);
    await answer(got, reply);
  });
  const port = await freePort();
  server.listen(port, host);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const connections = () =>
    new Promise<number>((resolve, reject) =>
      server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  return { port, origin: `http://${host}:${port}`, asked, connections };
}
