import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import pg from 'pg';
import { statementsOf } from '../../handler/state/database/batch.ts';
import type { Database, Statement } from '../../handler/state/database/database.ts';
import { migrate } from '../../handler/state/database/schema.ts';
import { sql, write } from '../../handler/state/database/sql.ts';
import { create } from '../promises/ask.ts';
import { ask, have, readablePaths } from '../promises/state-ask.ts';
import { connectPostgres } from '../support/databases/postgres.ts';
import { openInProcess } from '../support/doors/in-process.ts';
import { says } from '../support/model/scripted.ts';
import { startPostgres } from '../support/postgres-server.ts';

const server = await startPostgres();
after(() => server.stop());

/**
 * Reads all of a table, though it should not: of `owners` there are as many as processes, and the indexes of what has not ended and of what
 * older programs wrote hold no others.
 */
const READS_ALL = /Seq Scan on (?!owners)\w+/;

/** A product on a database of its own, a connection to that, and what is to hear of each statement. */
async function watched(t: TestContext, hear: (statement: Statement) => void) {
  const url = await server.newDatabase();
  const whole = connectPostgres(url);
  await migrate(whole);
  const database: Database = {
    ...whole,
    batch(batch) {
      for (const statement of statementsOf(batch)) hear(statement);
      return whole.batch(batch);
    },
  };
  const door = await openInProcess({ database });
  const client = new pg.Client(url);
  await client.connect();
  t.after(async () => {
    await client.end();
    await door.close();
    await whole.close();
  });
  return { whole, door, client };
}

/** How the server goes about a statement, by `EXPLAIN` with these options. */
async function planOf(client: pg.Client, options: string, text: string, values: readonly unknown[] = []) {
  let n = 0;
  const numbered = text.replace(/'[^']*'|\?/g, (found) => (found === '?' ? `$${++n}` : found));
  const { rows } = await client.query(`EXPLAIN (${options}, COSTS OFF) ${numbered}`, [...values]);
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

test('a full page of a list does not look for where the next look begins', async (t) => {
  const statements: Statement[] = [];
  const { door, client } = await watched(t, (statement) => statements.push(statement));
  const model = door.model.script(says('Hello'));
  for (let n = 0; n < 3; n++) await create(door, { model, input: 'Hi' });
  const plan = async (query: string) => {
    statements.length = 0;
    await ask(door, 'GET', `/v1/responses?${query}`);
    const search = statements.find(({ text }) => text.includes('AS edge'));
    assert.ok(search);
    return planOf(client, 'ANALYZE', search.text, search.values);
  };
  assert.match(await plan('limit=1'), /never executed/);
  assert.doesNotMatch(await plan('limit=3'), /never executed/, 'a page that is not full does');
});

test('every statement has an index on PostgreSQL by which it finds its rows', async (t) => {
  const texts = new Set<string>();
  const { whole, door, client } = await watched(t, ({ text }) => texts.add(text));
  const model = door.model.script(says('Hello'));
  const input = Array.from({ length: 3 }, () => ({ role: 'user', content: 'Hi' }));
  const first = await create(door, { model, input, metadata: { a: 'b' } });
  const second = await create(door, { model, input: 'Hi', previous_response_id: first.id });
  const { id } = await have<{ id: string }>(door, 'POST', '/v1/conversations', { items: input });
  await create(door, { model, input: 'Hi', conversation: id });
  const { data: said } = await have<{ data: { id: string }[] }>(door, 'GET', `/v1/conversations/${id}/items`);
  for (const path of [...readablePaths('responses', second.id), ...readablePaths('conversations', id, said[1]?.id)])
    for (const order of ['asc', 'desc']) await ask(door, 'GET', `${path}?order=${order}`);
  for (const kind of ['responses', 'conversations'])
    for (const filter of ['', 'metadata[a]=b&user=c', 'id=conv_1', 'id=msg_1', 'status=failed', 'after=resp_1'])
      await ask(door, 'GET', `/v1/${kind}?${filter}`);
  await ask(door, 'DELETE', `/v1/responses/${first.id}`);
  await ask(door, 'DELETE', `/v1/conversations/${id}`);
  await whole.batch({
    responses: write(sql`UPDATE responses SET expires_at = 1`),
    conversations: write(sql`UPDATE conversations SET deleted_at = 1`),
  });
  await door.sweep();
  await door.resume();

  // Of empty tables a planner reads all, unless it may not.
  await client.query('SET enable_seqscan = off');
  const bad: string[] = [];
  for (const text of texts) {
    const plan = await planOf(client, 'GENERIC_PLAN', text);
    if (READS_ALL.test(plan)) bad.push(`${text}\n${plan}`);
  }
  assert.ok(texts.size > 40, `${texts.size} statements`);
  assert.deepEqual(bad, []);
});
