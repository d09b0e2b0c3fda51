import { on, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';

/** The ways in which a client has a turn made. */
export const kinds = ['json', 'stream', 'websocket'] as const;
/** One of them. */
export type Kind = (typeof kinds)[number];

/** Headers, of which each may come several times, and the files of TLS in test/fixtures/tls. */
export interface Client {
  headers?: Record<string, string | string[]>;
  tls?: { ca: string; cert: string; key: string };
}

const FIXTURES = new URL('../fixtures/tls/', import.meta.url);
const turn = { model: 'demo', input: 'Hi' };

/** Has a turn made, and gives the status: of the handshake where that is refused. Rejects for a reply that is not whole. */
export async function sendTurn(origin: string, kind: Kind, { headers = {}, tls }: Client): Promise<number> {
  const pem =
    tls && Object.fromEntries(Object.entries(tls).map(([name, file]) => [name, readFileSync(new URL(file, FIXTURES))]));
  const base = tls ? origin.replace('http', 'https') : origin;
  if (kind === 'websocket') return overSocket(base.replace('http', 'ws'), headers, pem);
  const all = { 'content-type': 'application/json', ...headers };
  const ask = tls ? requestTls : request;
  const client = ask(`${base}/v1/responses`, { ...pem, agent: false, method: 'POST', headers: all });
  client.end(JSON.stringify({ ...turn, stream: kind === 'stream' }));
  const [reply] = await once(client, 'response');
  const body = await text(reply);
  if (reply.statusCode === 200 && !body.includes(kind === 'stream' ? 'event: response.completed' : '"completed"'))
    throw new Error(body);
  return reply.statusCode;
}

async function overSocket(origin: string, headers: Client['headers'] = {}, tls: object | undefined): Promise<number> {
  const socket = new WebSocket(`${origin}/v1/responses`, { ...tls, headers });
  try {
    const opened = once(socket, 'open').then(() => 200);
    const refused = once(socket, 'unexpected-response').then(([, reply]) => Number(reply.statusCode));
    opened.catch(() => {});
    refused.catch(() => {}); // what is refused is an error as well, which is the other's
    const status = await Promise.race([opened, refused]);
    if (status !== 200) return status;
    const messages = on(socket, 'message', { close: ['close'] });
    socket.send(JSON.stringify({ type: 'response.create', ...turn }));
    for await (const [message] of messages) {
      const event = JSON.parse(String(message));
      if (event.type === 'error') return event.status;
      if (event.type === 'response.completed') return status;
    }
    throw new Error('it was closed');
  } finally {
    socket.on('error', () => {});
    socket.terminate();
  }
}
