import { DatabaseSync } from 'node:sqlite';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { chatStream } from './ask.ts';
import { askModel } from './ask-model.ts';

/** What the bare server is told by its parent. */
export interface BareOptions {
  mock: number;
  /** Of its database, which is new. */
  file: string;
  /** A Response of the product: the replies have its members. */
  reply: object;
}

/**
 * The least that a stored JSON turn takes on the product's own libraries: Hono parses the request, undici calls the model, its
 * stream is read event by event, and the request and the Response are a row of SQLite before the reply; rows that meet share a
 * commit, which waits for as much as the product's do by default. Nothing is checked, and nobody can go on from it.
 */
function start(port: number, { mock, file, reply }: BareOptions): void {
  const store = openStore(file);
  const app = new Hono();
  let count = 0;
  app.post('/v1/responses', async (context) => {
    const request = await context.req.json<{ input: string }>();
    let text = '';
    const messages = [{ role: 'user', content: request.input }];
    for await (const deltas of askModel(mock, chatStream(messages))) text += deltas.join('');
    const id = `resp_${(count++).toString(36).padStart(8, '0')}`;
    const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
    const output = [{ type: 'message', id: `msg_${id}`, role: 'assistant', status: 'completed', content }];
    const response = JSON.stringify({ ...reply, id, created_at: Math.floor(Date.now() / 1000), output });
    await store(id, JSON.stringify(request), response);
    return context.body(response, 200, { 'content-type': 'application/json' });
  });
  serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => process.send?.('ready'));
}

/** A row as it waits for the next commit. */
interface Waiting {
  values: [string, string, string];
  committed(): void;
}

/** Opens a new database and gives what writes a row into it. */
function openStore(file: string): (...values: Waiting['values']) => Promise<void> {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE responses (id TEXT PRIMARY KEY, request TEXT, response TEXT) WITHOUT ROWID`);
  const insert = database.prepare('INSERT INTO responses VALUES (?, ?, ?)');
  let waiting: Waiting[] = [];
  const commit = () => {
    const rows = waiting;
    waiting = [];
    database.exec('BEGIN');
    for (const { values } of rows) insert.run(...values);
    database.exec('COMMIT');
    for (const { committed } of rows) committed();
  };
  return (...values) =>
    new Promise((committed) => {
      if (waiting.push({ values, committed }) === 1) setImmediate(commit);
    });
}

process.once('message', (options: BareOptions) => start(Number(process.argv[2]), options));
