import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTls } from 'node:https';
import type { TestContext } from 'node:test';
import { createTransport } from '../../shim/transport.ts';
import { freePort } from './ports.ts';

/** Starts a server on a free port that ends with the test; gives its origin. */
export async function serve(t: TestContext, listener: RequestListener, tls?: { cert: Buffer; key: Buffer }) {
  const server: Server = tls ? createTls(tls, listener) : createServer(listener);
  server.listen(await freePort(), '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `${tls ? 'https' : 'http'}://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

/** The list of these models, as servers write it. */
export function listOf(...ids: string[]): string {
  return JSON.stringify({ object: 'list', data: ids.map((id) => ({ id, object: 'model' })) });
}

/** A server that has these paths, each with a status, a body and headers, and 404 for any other. */
export function paths(
  table: Readonly<Record<string, [status: number, body: string, headers?: Record<string, string>]>>,
) {
  const listener: RequestListener = ({ url = '' }, res) => {
    const [status, body, headers] = table[url] ?? [404, '404 page not found'];
    res.writeHead(status, headers).end(body);
  };
  return listener;
}

/** A transport that ends with the test. */
export function transportFor(t: TestContext) {
  const { transport, close } = createTransport();
  t.after(close);
  return transport;
}
