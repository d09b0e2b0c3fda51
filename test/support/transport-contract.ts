import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ContractCase, contractCase } from '../../handler/contract.ts';
import type { Transport } from '../../handler/transport.ts';
import { freePort, UNREACHABLE } from './ports.ts';

/** A transport, with whatever is behind it. */
export interface TransportSubject {
  transport: Transport;
  close(): Promise<void>;
}

type Answer = (request: IncomingMessage, reply: ServerResponse) => unknown;

const never = new AbortController().signal;

/** How long something that must not happen is waited for, in milliseconds. */
const PAUSE_MS = 20;

/** What every Transport promises, tried on a real server. */
export const transportContract: readonly ContractCase<TransportSubject>[] = [
  tried('method, path, headers and body arrive; status, headers and body come back', async (transport, serve) => {
    const server = await serve(async (request, reply) => {
      const body = await text(request);
      reply.writeHead(429, { 'Retry-After': '7', 'x-twice': ['1', '2'] });
      reply.end(`${request.method} ${request.url} ${request.headers['x-a']} ${body}`);
    });
    const sent = { method: 'POST', headers: { 'x-a': 'b' }, body: '{"ü":1}', signal: never } as const;
    const reply = await transport(`${server.url}/v1/x?a=b%20c`, sent);
    assert.equal(reply.status, 429);
    assert.deepEqual(['retry-after', 'x-twice', 'no'].map(reply.header), ['7', '1, 2', null]);
    assert.equal(`${await buffer(reply.body)}`, 'POST /v1/x?a=b%20c b {"ü":1}');
    const bare = await transport(`${server.url}/`, { method: 'GET', headers: {}, signal: never });
    assert.equal(`${await buffer(bare.body)}`, 'GET / undefined ');
  }),

  tried('a reply without a body is one of no bytes', async (transport, serve) => {
    const server = await serve((_, reply) => reply.writeHead(204).end());
    const reply = await post(transport, server.url);
    assert.deepEqual([reply.status, (await buffer(reply.body)).length], [204, 0]);
  }),

  tried('a redirect is the reply: keys are for the server that is configured', async (transport, serve) => {
    let asked = 0;
    const server = await serve((_, reply) => reply.writeHead(asked++ === 0 ? 307 : 200, { location: '/' }).end());
    const { status, body } = await post(transport, server.url);
    await buffer(body);
    assert.deepEqual([status, asked], [307, 1]);
  }),

  tried(
    'the head comes before the body, chunks as they are sent, and calls beside each other',
    async (transport, serve) => {
      const arrived = new Map<string, () => void>();
      const server = await serve(async ({ url = '' }, reply) => {
        reply.flushHeaders();
        for (const part of ['', 'a', 'b', 'c']) {
          const taken = new Promise<void>((resolve) => arrived.set(url, resolve));
          if (part) reply.write(part);
          await taken;
        }
        reply.end();
      });
      const call = async (path: string) => {
        const reply = await post(transport, server.url + path);
        arrived.get(path)?.();
        const chunks: string[] = [];
        for await (const chunk of reply.body) {
          chunks.push(`${Buffer.from(chunk)}`);
          arrived.get(path)?.();
        }
        assert.deepEqual(chunks, ['a', 'b', 'c']);
      };
      await Promise.all(Array.from({ length: 30 }, (_, n) => call(`/${n}`)));
    },
  ),

  tried('an abort before the head rejects with its reason, and closes the connection', async (transport, serve) => {
    const server = await serve(() => {});
    const leaving = new AbortController();
    const waiting = post(transport, server.url, leaving.signal);
    await server.asked();
    const reason = new Error('enough');
    leaving.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
    await server.closed();
  }),

  tried('an abort in the middle of the body rejects, and closes the connection', async (transport, serve) => {
    const server = await serve((_, reply) => reply.write('a'));
    const leaving = new AbortController();
    const { body } = await post(transport, server.url, leaving.signal);
    const chunks = body[Symbol.asyncIterator]();
    await chunks.next();
    const next = chunks.next();
    leaving.abort(new Error('enough'));
    await assert.rejects(async () => next);
    await server.closed();
  }),

  tried('what was aborted before it began is not sent', async (transport, serve) => {
    let asked = 0;
    const server = await serve((_, reply) => reply.end(`${asked++}`));
    const reason = new Error('enough');
    await assert.rejects(post(transport, server.url, AbortSignal.abort(reason)), (error) => error === reason);
    await sleep(PAUSE_MS);
    assert.equal(asked, 0);
  }),

  tried('a body that is left while a chunk is waited for closes the connection', async (transport, serve) => {
    const server = await serve((_, reply) => reply.write('a'));
    const { body } = await post(transport, server.url);
    const chunks = body[Symbol.asyncIterator]();
    await chunks.next();
    chunks.next().catch(() => {}); // nobody waits for it any more
    void chunks.return?.();
    await server.closed();
  }),

  tried('a body that is left closes the connection, before its first chunk or after', async (transport, serve) => {
    const server = await serve((_, reply) => reply.write('a'));
    const early = await post(transport, server.url);
    await early.body[Symbol.asyncIterator]().return?.();
    await server.closed();
    const later = await post(transport, server.url);
    for await (const _ of later.body) break;
    await server.closed();
  }),

  tried('a body that nobody reads holds up who sends it, and arrives whole', async (transport, serve) => {
    const part = Buffer.alloc(256 * 1024, 'a');
    const parts = 128; // more than the system's own buffers take
    let sent = 0;
    const server = await serve(async (_, reply) => {
      for (; sent < parts; sent++) if (!reply.write(part)) await once(reply, 'drain');
      reply.end();
    });
    const { body } = await post(transport, server.url);
    for (let before = -1; before < sent; await sleep(10 * PAUSE_MS)) before = sent;
    assert.ok(sent < parts, `${sent} of ${parts} parts were sent`);
    assert.equal((await buffer(body)).length, parts * part.length);
  }),

  tried('a body that breaks off rejects, and does not end', async (transport, serve) => {
    const server = await serve((_, reply) => reply.write('a', () => reply.destroy()));
    await assert.rejects(async () => buffer((await post(transport, server.url)).body));
  }),

  tried('no connection is a rejection, and so is one that is closed without a reply', async (transport, serve) => {
    await assert.rejects(post(transport, `http://127.0.0.1:${UNREACHABLE}`));
    const server = await serve(({ socket }) => socket.destroy());
    await assert.rejects(post(transport, server.url));
  }),
];

function post(transport: Transport, url: string, signal = never): ReturnType<Transport> {
  return transport(url, { method: 'POST', headers: {}, body: '{}', signal });
}

/** A case with a server of its own, which is closed with it. */
function tried(
  name: string,
  test: (transport: Transport, serve: (answer: Answer) => Promise<Server>) => Promise<void>,
): ContractCase<TransportSubject> {
  return contractCase(name, async ({ transport }) => {
    const servers: Server[] = [];
    const serve = async (answer: Answer) => {
      const server = new Server(answer);
      servers.push(server);
      await server.listen();
      return server;
    };
    try {
      await test(transport, serve);
    } finally {
      for (const server of servers) server.close();
    }
  });
}

/** A server on a port of the loopback. */
class Server {
  url = '';
  readonly #server;
  readonly #asked: Promise<unknown>;
  /** One for each connection, when it has been closed. */
  readonly #closed: Promise<unknown>[] = [];

  constructor(answer: Answer) {
    this.#server = createServer((request, reply) => void answer(request, reply));
    this.#asked = once(this.#server, 'request');
    this.#server.on('connection', (socket) => this.#closed.push(once(socket, 'close').catch(() => {})));
  }

  async listen(): Promise<void> {
    const port = await freePort();
    await once(this.#server.listen(port, '127.0.0.1'), 'listening');
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Resolves when it has been asked. */
  async asked(): Promise<void> {
    await this.#asked;
  }

  /** Resolves when all connections are closed that there were. */
  async closed(): Promise<void> {
    await Promise.all(this.#closed);
  }

  close(): void {
    this.#server.close().closeAllConnections();
  }
}
