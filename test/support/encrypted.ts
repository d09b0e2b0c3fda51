import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Config, configureLog, type Database, parseConfig } from '../../handler/index.ts';
import { raw, read, sql } from '../../handler/state/database/sql.ts';
import { testDatabase } from './doors/database.ts';
import { type Chosen, testHandler } from './doors/in-process.ts';
import { type ScriptedModel, startScriptedModel } from './model/scripted.ts';

/** Secrets of tests. */
export const K1 = { id: 'k1', key: 'the first secret of tests, 32 bytes' };
export const K2 = { id: 'k2', key: 'another secret of tests of 32 bytes' };

/** The header that says which tenant sends a request. */
export const TENANT = 'x-tenant';

/** A database and a model, and handlers between them. */
export interface Subject {
  database: Database;
  model: ScriptedModel;
  /** A handler of another process on the same database, and what sends to it as a tenant. */
  open(config?: Partial<Config>, chosen?: Chosen): Promise<Asking>;
}

/** A handler, as a process of its own would have it. */
export interface Asking {
  handler: Awaited<ReturnType<typeof testHandler>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into replies without a schema
  ask(method: string, path: string, body?: object, tenant?: string): Promise<{ status: number; json: any }>;
}

/** Opens a database and a model, which go with the test. */
export async function subject(t: TestContext): Promise<Subject> {
  const [database, model] = [await testDatabase(), await startScriptedModel()];
  const all: Asking['handler'][] = [];
  t.after(async () => {
    for (const handler of all) await handler.close();
    await model.close();
    await database.close();
  });
  return {
    database,
    model,
    async open(given = {}, chosen = {}) {
      const config = parseConfig({
        models: [{ match: '*', backend: 'chat', url: model.url }],
        secrets: [K1],
        encryptAtRest: true,
        ...given,
      });
      const handler = await testHandler(model, {
        config,
        database,
        identify: (request) => ({ id: 'one', tenant: request.headers.get(TENANT) ?? 'a' }),
        ...chosen,
      });
      all.push(handler);
      return {
        handler,
        async ask(method, path, body, tenant = 'a') {
          const headers = { 'content-type': 'application/json', [TENANT]: tenant };
          const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
          const reply = await handler.fetch(new Request(`http://test/v1${path}`, init));
          return { status: reply.status, json: await reply.json() };
        },
      };
    },
  };
}

/** Makes a turn that says so, after another one. */
export async function turn(
  { ask }: Asking,
  model: string,
  input: string,
  previous?: string,
  tenant?: string,
): Promise<string> {
  const { status, json } = await ask('POST', '/responses', { model, input, previous_response_id: previous }, tenant);
  assert.equal(status, 200, JSON.stringify(json));
  return json.id;
}

/** What the model was told last. */
export function toldLast({ model }: Subject, name: string): string {
  return JSON.stringify(model.calls(name).at(-1)?.body.messages);
}

/** Collects the lines of the log. */
export function logged(t: TestContext): string[] {
  const lines: string[] = [];
  configureLog('error', (line) => lines.push(line));
  t.after(() => configureLog('error', () => {}));
  return lines;
}

/** All texts of a column `body`, as they are stored. */
export async function bodies(database: Database, table: string): Promise<string[]> {
  const { rows } = await database.batch({ rows: read(sql`SELECT body FROM ${raw(table)}`) });
  return rows.map(({ body }) => String(body));
}
