import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryBudget } from '../handler/index.ts';
import { sql, write } from '../handler/state/database/sql.ts';
import { HistoryCache } from '../handler/state/history-cache.ts';
import { insertItems } from '../handler/state/items.ts';
import { ProcessLease } from '../handler/state/process-lease.ts';
import { listInputItems } from '../handler/state/responses.ts';
import { testDatabase } from './support/doors/database.ts';
import { mutants } from './tenants/mutants.ts';
import { stateSources, unscopedIn } from './tenants/statements.ts';
import { pieces, survivors } from './tenants/survivors.ts';

const PUT_IN = 'What is put in there names the tenant, and two callers with the same ids meet in it.';

/** How many tables a file names without their tenant, and why it may: one more is a mistake. */
const without: Record<string, [count: number, why: string]> = {
  'handler/state/allowances.ts': [2, 'Windows that are over go, whosever they are.'],
  'handler/state/background-places.ts': [
    3,
    'Rows are found by the range of a tenant and its users, or joined by tenant and id; a cast hides one.',
  ],
  'handler/state/charge-sums.ts': [2, 'Charges are added up and removed, whosever they are, each with its tenant.'],
  'handler/state/conversation-items.ts': [2, PUT_IN],
  'handler/state/conversations.ts': [3, PUT_IN],
  'handler/state/deliveries.ts': [5, 'Webhooks are found by their URL, which is of one tenant, and by their age.'],
  'handler/state/items.ts': [4, PUT_IN],
  'handler/state/jobs.ts': [1, 'Background turns that nobody runs are looked for in every tenant, with their callers.'],
  'handler/state/keys.ts': [7, 'A key is found by its id: it says which tenant it is of.'],
  'handler/state/listed.ts': [2, 'Rows of older programs are filled in, whosever they are.'],
  'handler/state/metadata.ts': [1, PUT_IN],
  'handler/state/places.ts': [2, 'A process that lives is of no tenant; a cast hides the tenant of its places.'],
  'handler/state/process-lease.ts': [5, 'A process that has died leaves turns of any tenant.'],
  'handler/state/remove.ts': [6, 'What has expired goes, whosever it is; what hangs on it is found by its tenant.'],
  'handler/state/responses.ts': [3, PUT_IN],
  'handler/state/sweep.ts': [1, 'The row of a process stays while it has turns, whosever they are.'],
  'handler/state/tenant-keys.ts': [
    2,
    'A secret wraps the keys of any tenant, and is checked and exchanged for all of them.',
  ],
  'handler/state/usage.ts': [3, `An operator asks which tenants there are. ${PUT_IN}`],
  'handler/state/tenants.ts': [3, PUT_IN],
};

describe('a statement names the tenant of each table in it', () => {
  for (const [file, source] of stateSources()) {
    test(file, () => {
      const [count] = without[file] ?? [0];
      const unscoped = unscopedIn(source);
      const told = unscoped.map(({ table, sql }) => `${table}: ${sql}`).join('\n');
      assert.equal(unscoped.length, count, `tables without their tenant in\n${told}`);
    });
  }

  test('and is found out where it does not: each of them, without any of its tenants', () => {
    const sources = stateSources();
    for (const { file, text, source } of mutants()) {
      const original = sources.get(file);
      if (original === undefined || unscopedIn(source).length > unscopedIn(original).length) continue;
      const isOf = (one: { file: string; text: string }) => one.file === file && one.text === text;
      assert.ok(survivors.some(isOf) || pieces.some(isOf), `${file}: ${text}`);
    }
  });

  test('what needs no tenant is still there, and says why', () => {
    const all = mutants();
    for (const { file, text } of [...survivors, ...pieces])
      assert.ok(
        all.some((mutant) => mutant.file === file && mutant.text === text),
        `${file} has no more: ${text}`,
      );
    for (const { why } of survivors) assert.ok(why.length > 20);
  });
});

describe('two tenants with the same ids', () => {
  test('have histories of their own', () => {
    const budget = new MemoryBudget(1_000_000);
    const histories = new HistoryCache(budget);
    histories.put('a', 'resp_1', '', { items: [], size: 10 });
    assert.equal(histories.get('b', 'resp_1'), undefined);
    assert.equal(histories.get('a', 'resp_1')?.size, 10);
  });

  test('list the input of their own', async (t) => {
    const database = await testDatabase();
    t.after(() => database.close());
    for (const tenant of ['a', 'b']) {
      const content = [{ type: 'input_text' as const, text: `of ${tenant}` }];
      const item = { type: 'message', role: 'user', status: 'completed', id: 'msg_1', content } as const;
      await database.batch({
        response: write(sql`INSERT INTO responses
            (tenant, id, owner, status, background, compacted, expires_at, body)
          VALUES (${tenant}, 'resp_1', '', 'completed', 0, 0, ${Date.now() + 60_000}, '{}')`),
        items: insertItems({ tenant, owner: 'resp_1', kind: 'input', position: 0, items: [item] }),
      });
    }
    const budget = new MemoryBudget(10_000_000);
    const store = {
      ...{
        database,
        lease: new ProcessLease(1_000),
        lastWrite: { failed: false },
        histories: new HistoryCache(budget),
      },
      ...{ webhooks: [], retention: 1, logRetention: 1, stored: 1e9, history: 1e6, tenant: 'b', memory: budget.open() },
    };
    const { data } = await listInputItems(store, 'resp_1', { limit: 10, order: 'asc' });
    assert.deepEqual(JSON.stringify(data).match(/of ./g), ['of b']);
  });
});
