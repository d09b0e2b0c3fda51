import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import type { TestContext } from 'node:test';
import { listOf, serve } from './list-servers.ts';

/** A file of the certificates of tests. */
export function certificate(name: string): Buffer {
  return readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));
}

/** The authority that has signed `server.pem`, and no system knows, as PEM. */
export const authority = certificate('authority.pem').toString();

const CHUNK = {
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta: { content: 'ok' }, finish_reason: 'stop' }],
};

/** A model server whose certificate an authority of its own has signed, or without TLS; it says "ok", and notes what it is asked. */
export async function startTlsModel(t: TestContext, { plain = false } = {}) {
  const asked: { path: string; headers: IncomingHttpHeaders }[] = [];
  const origin = await serve(
    t,
    (request, reply) => {
      asked.push({ path: request.url ?? '', headers: request.headers });
      request.resume();
      if (request.method === 'GET') return reply.end(listOf('m'));
      reply.writeHead(200, { 'content-type': 'text/event-stream' });
      reply.end(`data: ${JSON.stringify(CHUNK)}\n\ndata: [DONE]\n\n`);
    },
    plain ? undefined : { cert: certificate('server.pem'), key: certificate('server.key') },
  );
  return { origin, url: `${origin}/v1`, asked };
}
