import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before } from 'node:test';
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
}

/** Opens it for the tests of a file, whose backend is of this kind. */
export function recordedBackend(backend: string, recordings: ReadonlyMap<string, Recording>): RecordedBackend {
  const backends = createTransport();
  let url = '';
  let database: Database;
  const recorded = (name: string) => recordings.get(name) ?? assert.fail(`no recording ${name}`);

  // A model's name says which recording it answers with.
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk);
    const { status, headers, body } = recorded(JSON.parse(Buffer.concat(chunks).toString()).model);
    res.writeHead(status, headers.flat()).end(body);
  });
  before(async () => {
    database = await testDatabase();
    const port = await freePort();
    url = `http://127.0.0.1:${port}/v1`;
    server.keepAliveTimeout = 0; // as in model/scripted.ts
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  });
  after(async () => {
    await backends.close();
    server.closeAllConnections();
    server.close();
  });

  const ask: RecordedBackend['ask'] = (model, more = {}, sizes) => {
    const { transport } = backends;
    const { fetch } = createHandler({
      database,
      config: parseConfig({ models: [{ match: '*', backend, url }] }),
      transport: sizes ? splitting(transport, sizes) : transport,
    });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ model, input: 'Hello', ...more });
    return fetch(new Request('http://antiphon.test/v1/responses', { method: 'POST', headers, body }));
  };
  const streamOf: RecordedBackend['streamOf'] = async (name, more = {}, sizes) =>
    replay(await (await ask(name, { stream: true, ...more }, sizes)).text());
  return { ask, streamOf, recorded };
}

/** The events that a server sent. */
export function sentBy({ body }: Recording): Json[] {
  const lines = body.split(/\r?\n/);
  return lines.filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)));
}
