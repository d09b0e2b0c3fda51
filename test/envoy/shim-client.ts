import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:http2';

/** What to send; a body makes it a POST. */
export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  trailers?: Record<string, string>;
}

/** A complete reply; `at` has the time of each chunk of its body, in ms. */
export interface WholeReply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  at: number[];
}

const agent = new Agent({ keepAlive: true });

/** Asks over HTTP/1.1; rejects when the reply is cut. */
export function ask(url: string, { method, headers = {}, body }: Ask = {}): Promise<WholeReply> {
  return new Promise((resolve, reject) => {
    const client = request(url, { agent, method: method ?? (body === undefined ? 'GET' : 'POST'), headers });
    let answered = false;
    client.on('error', (error) => {
      // A server that refuses a body closes the connection while it is being sent; its answer may still be read.
      if (!answered) reject(error);
    });
    client.on('response', (reply) => {
      answered = true;
      const whole: WholeReply = { status: reply.statusCode ?? 0, headers: reply.headers, body: '', at: [] };
      reply.setEncoding('utf8').on('data', (chunk: string) => {
        whole.body += chunk;
        whole.at.push(performance.now());
      });
      reply.on('end', () => resolve(whole)).on('error', reject);
    });
    client.end(body);
  });
}

/** Asks over HTTP/2 with prior knowledge. */
export async function askHttp2(url: string, { method, headers = {}, body, trailers }: Ask = {}): Promise<WholeReply> {
  const { origin, pathname, search } = new URL(url);
  const session = connect(origin);
  const whole: WholeReply = { status: 0, headers: {}, body: '', at: [] };
  try {
    await new Promise<void>((resolve, reject) => {
      const stream = session.request(
        { ':path': pathname + search, ':method': method ?? (body === undefined ? 'GET' : 'POST'), ...headers },
        { waitForTrailers: trailers !== undefined, endStream: body === undefined },
      );
      stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
      stream.on('response', ({ ':status': status = 0, ...rest }) => Object.assign(whole, { status, headers: rest }));
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        whole.body += chunk;
        whole.at.push(performance.now());
      });
      stream.on('end', resolve).on('error', reject);
      if (body !== undefined) stream.end(body);
    });
  } finally {
    session.close();
  }
  return whole;
}

/** Begins a request on a connection of its own; the function that it answers leaves. */
export function begin(url: string, body?: string): () => void {
  const client = request(url, { agent: false, method: body === undefined ? 'GET' : 'POST' });
  client.on('error', () => {}).on('response', (reply) => reply.on('error', () => {}).resume());
  client.end(body);
  return () => client.destroy();
}
