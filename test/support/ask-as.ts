import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';

/** Sends a request with headers that `fetch` sets by itself, Host among them; with a body it is a POST of JSON. */
export function askAs(
  origin: string,
  headers: Record<string, string>,
  path = '/v1/models',
  body?: object,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const type = body && { 'content-type': 'application/json' };
    const options = { agent: false, method: body ? 'POST' : 'GET', headers: { ...type, ...headers } };
    const client = request(new URL(path, origin), options);
    client.once('error', reject).once('response', (reply) => {
      const told = Object.entries(reply.headers).map(([name, value]): [string, string] => [name, String(value)]);
      text(reply).then((body) => resolve(new Response(body, { status: reply.statusCode ?? 0, headers: told })), reject);
    });
    client.end(body && JSON.stringify(body));
  });
}

/** The status with which a WebSocket to an origin is answered: 101, or that of the refusal. */
export async function openAs(origin: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/v1/responses`, { headers });
  socket.on('error', () => {}); // what is refused is an error as well
  const opened = once(socket, 'open').then(() => 101);
  const refused = once(socket, 'unexpected-response').then(([, reply]) => Number(reply.statusCode));
  const status = await Promise.race([opened, refused]);
  socket.terminate();
  return status;
}
