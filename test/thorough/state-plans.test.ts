import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { statementsOf } from '../../handler/state/database/batch.ts';
import type { Database } from '../../handler/state/database/database.ts';
import { migrate } from '../../handler/state/database/schema.ts';
import { sql, write } from '../../handler/state/database/sql.ts';
import { sqliteDatabase } from '../../handler/state/database/sqlite.ts';
import { create, stream } from '../promises/ask.ts';
import { ask, have, readablePaths } from '../promises/state-ask.ts';
import { post } from '../support/doors/door.ts';
import { type InProcess, openInProcess } from '../support/doors/in-process.ts';
import { callsFunctions, hangs, says } from '../support/model/scripted.ts';

/** Whether a statement reads or writes, as SQLite sees it: a transaction that writes has 1 as its second operand. */
function kindOf(connection: DatabaseSync, text: string): 'read' | 'write' {
  const program = connection.prepare(`EXPLAIN ${text}`).all();
  return program.some(({ opcode, p2 }) => opcode === 'Transaction' && p2 === 1) ? 'write' : 'read';
}

/** How SQLite goes about each statement that is run on a database, and those that do otherwise than they say. */
async function watched() {
  const connection = new DatabaseSync(':memory:');
  const whole = sqliteDatabase(connection);
  await migrate(whole);
  const plans = new Map<string, string[]>();
  const misnamed: string[] = [];
  const database: Database = {
    ...whole,
    batch(statements) {
      for (const { kind, text, values } of statementsOf(statements)) {
        if (kind !== kindOf(connection, text)) misnamed.push(`${kind}: ${text}`);
        const steps = connection.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...values);
        plans.set(
          text,
          steps.map(({ detail }) => String(detail)),
        );
      }
      return whole.batch(statements);
    },
  };
  /** Has all that has ended, or was deleted, be due to be removed. */
  const expire = () =>
    whole.batch({
      logs: write(sql`UPDATE responses SET log_until = 1 WHERE log_until IS NOT NULL`),
      responses: write(sql`UPDATE responses SET expires_at = 1 WHERE status NOT IN ('queued', 'in_progress')`),
      conversations: write(sql`UPDATE conversations SET deleted_at = 1 WHERE deleted_at IS NOT NULL`),
    });
  return { database, plans, misnamed, expire };
}

/**
 * A step that reads a whole table, or all of a tenant: what costs more the more others have stored. `c` is a chain, `p`, `s` and
 * the like are a page, `e` some blocks of a log, `w` one row, or what a slice of the sweep weighs; of `owners` there are as many as processes,
 * the index of running responses holds no others, that of unlisted rows those of older programs, and of the deliveries that are due only the first is read.
 */
const READS_ALL =
  /^SCAN (?!a$|c$|h$|p$|s$|w$|page$|sized$|fitting$|\(subquery-\d+\)$|e$|owners$|r USING INDEX responses_running|[rc] USING (COVERING )?INDEX \w+_unlisted|deliveries USING COVERING INDEX|(\d+ )?CONSTANT|\d+-ROW)|\(tenant=\?\)$/;

test('every statement finds its rows by a key, however much is stored, and does as it says: reads or writes', async (t) => {
  const { database, plans, misnamed, expire } = await watched();
  const door = await openInProcess({ database });
  t.after(() => door.close());
  const model = door.model.script(says('Hello'));
  const input = Array.from({ length: 3 }, () => ({ role: 'user', content: 'Hi' }));
  const first = await create(door, { model, input });
  const second = await create(door, { model, previous_response_id: first.id });
  const headers = { 'idempotency-key': 'a key' };
  for (let time = 0; time < 2; time++) await post(door, { model, input: 'Hi' }, { headers });
  const { id } = await have<{ id: string }>(door, 'POST', '/v1/conversations', { items: input });
  const inside = await create(door, { model, conversation: id });
  await create(door, { model, previous_response_id: inside.id });
  await ask(door, 'POST', `/v1/conversations/${id}/items`, { items: input });
  await ask(door, 'POST', `/v1/conversations/${id}`, { metadata: {} });
  const { data: said } = await have<{ data: { id: string }[] }>(door, 'GET', `/v1/conversations/${id}/items`);
  for (const path of [...readablePaths('responses', second.id), ...readablePaths('conversations', id, said[1]?.id)]) {
    for (const order of ['asc', 'desc']) {
      const { data } = await have<{ data?: { id: string }[] }>(door, 'GET', `${path}?order=${order}`);
      if (!data?.[0]) continue;
      await ask(door, 'GET', `${path}?order=${order}&after=${data[0].id}`);
      await ask(door, 'GET', `${path}/${data[0].id}`);
      await ask(door, 'DELETE', `${path}/${data[0].id}`);
    }
  }
  await inBackground(door);
  for (const kind of ['responses', 'conversations']) {
    for (const filters of [
      '',
      'limit=1',
      'metadata[a]=b&user=c',
      'id=resp_1',
      'id=conv_1',
      'id=msg_1',
      'id=1',
      'status=failed',
      'status=queued',
      'status=completed',
    ]) {
      await have(door, 'GET', `/v1/${kind}?${filters}`);
    }
  }
  await ask(door, 'POST', `/v1/conversations/${id}`, { metadata: { a: 'b' } });
  await ask(door, 'DELETE', `/v1/responses/${first.id}`);
  await ask(door, 'DELETE', `/v1/conversations/${id}`);
  await expire();
  await door.sweep();
  assert.ok(plans.size > 50, `${plans.size} statements`);
  const isBad = (step: string, _: number, steps: string[]) =>
    READS_ALL.test(step) && !steps.includes(step.replace('SCAN', 'CO-ROUTINE')); // which is bounded itself
  const bad = [...plans].filter(([, steps]) => steps.some(isBad));
  assert.deepEqual(bad, []);
  assert.deepEqual(misnamed, []);
});

/** Turns that nobody waits for: made, read again, cancelled, left to be taken over, and taken over. */
async function inBackground(door: InProcess): Promise<void> {
  const turn = { background: true, input: 'Hi' };
  const model = door.model.script(callsFunctions({ name: 'add', args: '{}' }), says('Hello'));
  const { final } = await stream(door, { ...turn, model, tools: [{ type: 'test_tool' }] });
  await (await door.fetch(`/v1/responses/${final.id}?stream=true&starting_after=3`)).text();
  const { script, begun } = hangs('');
  const long = await create(door, { ...turn, model: door.model.script(script) });
  await begun;
  await ask(door, 'POST', `/v1/responses/${long.id}/cancel`);
  const again = hangs('');
  const left = await create(door, { ...turn, model: door.model.script(again.script, says('Hello')) });
  await again.begun;
  await door.sweep();
  await door.drain(0);
  await door.resume();
  await ask(door, 'DELETE', `/v1/responses/${left.id}`);
}
