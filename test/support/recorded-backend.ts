import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before } from 'node:test';
import { openServer, type Server } from '../../handler/backend/server/server.ts';
import { createHandler, type Database, parseConfig } from '../../handler/index.ts';
import { createTransport } from '../../shim/transport.ts';
import { type Json, replay } from './accumulate.ts';
import { testDatabase } from './doors/database.ts';
import { freePort } from './ports.ts';
import type { Recording } from './recorded.ts';
import { splitting } from './split.ts';

/** The product before a server that answers with what was recorded. */
export interface RecordedBackend {
  /** Asks for the recording with this name, its bytes arriving in pieces of these sizes. */
  ask(name: string, more?: object, sizes?: readonly number[]): Promise<Response>;
  /** The same as a stream, read to its end. */
  streamOf(name: string, more?: object, sizes?: readonly number[]): Promise<ReturnType<typeof replay>>;
  /** The recording with this name. */
  recorded(name: string): Recording;
  /** The server itself, as a backend asks it for its list of models, which is the recording with this name. */
  listing(name: string): Server;
}

/** Opens it for the tests of a file, whose backend is of this kind; `modelOf` gives the model that a request is for. */
export function recordedBackend(
  backend: string,
  recordings: ReadonlyMap<string, Recording>,
  modelOf = (_path: string, body: Json): string => body.model,
): RecordedBackend {
  const backends = createTransport();
  let origin = '';
  let database: Database;
  const recorded = (name: string) => recordings.get(name) ?? assert.fail(`no recording ${name}`);

  // A model's name says which recording it answers with, and for a list of models the path.
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const path = req.url ?? '';
    const list = /^\/(.*)\/v1\/models$/.exec(path);
    if (req.method === 'GET' && !list) return void res.writeHead(404).end(); // which server it is, nobody has recorded here
    const { status, headers, body } = recorded(
      list?.[1] ?? modelOf(path, JSON.parse(Buffer.concat(chunks).toString())),
    );
    res.writeHead(status, headers.flat()).end(body);
  });
  before(async () => {
    database = await testDatabase();
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    server.keepAliveTimeout = 0; // as in model/scripted.ts
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  });
  after(async () => {
    await backends.close();
    server.closeAllConnections();
    server.close();
    await database.close();
  });

  const ask: RecordedBackend['ask'] = (model, more = {}, sizes) => {
    const { transport } = backends;
    const { fetch } = createHandler({
      database,
      config: parseConfig({ models: [{ match: '*', backend, url: `${origin}/v1` }] }),
      transport: sizes ? splitting(transport, sizes) : transport,
    });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ model, input: 'Hello', ...more });
    return fetch(new Request('http://antiphon.test/v1/responses', { method: 'POST', headers, body }));
  };
  const streamOf: RecordedBackend['streamOf'] = async (name, more = {}, sizes) =>
    replay(await (await ask(name, { stream: true, ...more }, sizes)).text());
  const listing = (name: string) => openServer(`${origin}/${name}/v1`, undefined, backends.transport);
  return { ask, streamOf, recorded, listing };
}

/** The events that a server sent. */
export function sentBy({ body }: Recording): Json[] {
  const lines = body.split(/\r?\n/);
  return lines.filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)));
}
