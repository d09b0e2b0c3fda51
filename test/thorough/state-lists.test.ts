import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { beforeIdsOf } from '../../handler/ids.ts';
import { MemoryBudget } from '../../handler/memory-budget.ts';
import {
  type ConversationListQuery,
  ConversationListQuery as ConversationQuery,
  type ResponseListQuery,
  ResponseListQuery as ResponseQuery,
} from '../../handler/protocol/list.ts';
import { statementsOf } from '../../handler/state/database/batch.ts';
import type { Database } from '../../handler/state/database/database.ts';
import { migrate, migrations } from '../../handler/state/database/schema.ts';
import { read, sql, write } from '../../handler/state/database/sql.ts';
import { sqliteDatabase } from '../../handler/state/database/sqlite.ts';
import { HistoryCache } from '../../handler/state/history-cache.ts';
import { listConversations, listResponses } from '../../handler/state/lists.ts';
import { ProcessLease } from '../../handler/state/process-lease.ts';
import { sweep } from '../../handler/state/sweep.ts';
import type { TenantStore } from '../../handler/state/tenant-store.ts';
import { check } from '../../handler/validate.ts';

/** Rows of each kind: every tenth is of another user, every hundredth of another tenant. */
const ROWS = 20_000;
const SECOND = 1_800_000_000;
const US = '\u001f';

/** A database with many rows that were made one after another, a thousand a second; its statements are watched. */
async function open(t: TestContext, count = ROWS) {
  const connection = new DatabaseSync(':memory:');
  const whole = sqliteDatabase(connection);
  t.after(() => whole.close());
  await migrate(whole);
  const plans = new Map<string, string[]>();
  const batches: number[] = [];
  const database: Database = {
    ...whole,
    batch(statements) {
      for (const { text, values } of statementsOf(statements)) {
        const steps = connection.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...values);
        plans.set(
          text,
          steps.map(({ detail }) => String(detail)),
        );
      }
      batches.push(statementsOf(statements).length);
      return whole.batch(statements);
    },
  };
  const numbers = sql`WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < ${count - 1})`;
  const id = (prefix: string) => sql`${prefix} || printf('%012x', ${SECOND * 1000} + n) || '00'`;
  const tenant = sql`CASE WHEN n % 100 = 99 THEN 'u' WHEN n % 10 = 1 THEN ${`t${US}alice`} WHEN n % 10 = 2 THEN ${`t${US}bob`} ELSE 't' END`;
  await whole.batch({
    responses:
      write(sql`${numbers} INSERT INTO responses (tenant, id, owner, status, background, compacted, body, expires_at,
        model, request, made_by, conversation, base, listed)
      SELECT ${tenant}, ${id('resp_')}, '', CASE WHEN n % 2 THEN 'failed' ELSE 'completed' END, 0, 0,
        '{"id":"' || ${id('resp_')} || '","status":"completed"}', 1e15, CASE WHEN n % 2 THEN 'odd' ELSE 'even' END,
        'request ' || n, CASE n % 10 WHEN 1 THEN 'alice' WHEN 2 THEN 'bob' END,
        CASE n % 3 WHEN 0 THEN 'conv_1' END, 0, 1 FROM n`),
    items: write(sql`${numbers} INSERT INTO items (tenant, holder, side, place, id, body)
      SELECT ${tenant}, ${id('resp_')}, 'output', 0, 'msg_' || (n % 1000), '{"type":"message"}' FROM n`),
    conversations: write(sql`${numbers} INSERT INTO conversations (tenant, id, created_at, metadata, request, listed)
      SELECT ${tenant}, ${id('conv_')}, 0, '{}', 'request ' || n, 1 FROM n`),
    metadata: write(sql`${numbers} INSERT INTO metadata (tenant, key, value, holder)
      SELECT ${tenant}, 'parity', n % 2, ${id('resp_')} FROM n UNION ALL
      SELECT ${tenant}, 'third', n % 3, ${id('resp_')} FROM n UNION ALL
      SELECT ${tenant}, 'parity', n % 2, ${id('conv_')} FROM n`),
  });
  return { store: storeOf(database), plans, batches };
}

function storeOf(database: Database): TenantStore {
  const budget = new MemoryBudget(1e9);
  return {
    ...{ database, tenant: 't', lease: new ProcessLease(1_000), lastWrite: { failed: false }, webhooks: [] },
    ...{ histories: new HistoryCache(budget), memory: budget.open(), retention: 1e9, logRetention: 1e9 },
    ...{ stored: Number.POSITIVE_INFINITY, history: 1e8 },
  };
}

const ofResponses = (query: object): ResponseListQuery => check(ResponseQuery, query);
const ofConversations = (query: object): ConversationListQuery => check(ConversationQuery, query);
const idAt = (prefix: string, n: number) => `${beforeIdsOf(prefix, SECOND * 1000 + n)}00`;

/** Filters of all sorts, alone and together. */
const FILTERS: Record<string, object> = {
  none: {},
  page: { after: 'PREFIX_01a3185c5100', limit: '3' },
  times: { created_after: `${SECOND + 10}`, created_before: `${SECOND + 11}` },
  metadata: { metadata: { parity: '1' } },
  pairs: { metadata: { parity: '1', third: '2' } },
  contradictory: { metadata: { parity: 'none', third: '2' }, user: 'alice' },
  user: { user: 'alice' },
  nobody: { user: 'nobody' },
  request: { id: 'request 1000' },
  'own request': { id: `req_${(SECOND * 1000 + 500).toString(16).padStart(12, '0')}${'0'.repeat(36)}` },
  item: { id: 'msg_8' },
  'item and user': { id: 'msg_8', user: 'nobody' },
  response: { id: idAt('resp', 100) },
  conversation: { id: idAt('conv', 100) },
  'in a conversation': { id: 'conv_1' },
};
const OF_RESPONSES: Record<string, object> = {
  model: { model: 'odd' },
  'no such model': { model: 'none' },
  status: { status: 'failed' },
  completed: { status: 'completed' },
  cancelled: { status: 'cancelled' },
  queued: { status: 'queued' },
  'status and pair': { status: 'failed', metadata: { third: '1' } },
  'status and id': { status: 'failed', id: 'msg_9' },
  'none of both': { model: 'odd', status: 'completed' },
  all: { model: 'odd', status: 'completed', user: 'bob', metadata: { third: '0' }, created_after: `${SECOND}` },
};

/** A step that reads a whole table, or all of a tenant without an end: `p`, `c`, `s` and `h` are what one look has chosen. */
const READS_ALL =
  /^SCAN (?!r USING INDEX responses_running|(a|p|c|s|h|page|sized|fitting)$|\(subquery-\d+\)$|\d+-ROW|\d+ CONSTANT|CONSTANT)|\(tenant=\?\)$/;

test('a page is found by an index, whatever the filters, and a look at a bounded number of its entries', async (t) => {
  const { store, plans, batches } = await open(t);
  for (const whole of [undefined, 't']) {
    for (const order of ['asc', 'desc']) {
      for (const [name, filters] of Object.entries({ ...FILTERS, ...OF_RESPONSES })) {
        for (const prefix of name in OF_RESPONSES ? ['resp'] : ['resp', 'conv']) {
          const query = JSON.parse(
            JSON.stringify({ ...filters, order }).replace('PREFIX', `${whole ? ':' : ''}${prefix}`),
          );
          batches.length = 0;
          if (prefix === 'resp') await listResponses(store, ofResponses(query), whole);
          else await listConversations(store, ofConversations(query), whole);
          assert.ok(batches.length <= (whole ? 25 : 10), `${name}: ${batches.length} batches`);
        }
      }
    }
  }
  const bad = [...plans].filter(([, steps]) => steps.some((step) => READS_ALL.test(step)));
  assert.deepEqual(bad, []);
});

test('a page that finds nothing in all that it looks at says where to go on', async (t) => {
  const { store } = await open(t, 120_000);
  const found: number[] = [];
  for (const [filters, whole] of [
    [{ model: 'none' }, undefined],
    [{ user: 'nobody' }, 't'],
    [{ metadata: { parity: '1', third: 'none' } }, undefined],
  ] as const) {
    let pages = 0;
    let after: string | null = null;
    do {
      const page = await listResponses(store, ofResponses({ ...filters, ...(after && { after }) }), whole);
      assert.deepEqual(page.data, []);
      assert.equal(page.last_id !== null, page.has_more);
      after = page.has_more ? page.last_id : null;
      pages++;
    } while (after);
    found.push(pages);
  }
  assert.deepEqual(found, [1, 2, 1], 'the tenant has 79% of the rows, its users 20%');
});

test('a whole tenant is listed user by user, without the tenants beside it, however small the pages', async (t) => {
  const { store } = await open(t);
  const ids: string[] = [];
  let after: string | null = null;
  do {
    const query = { created_before: `${SECOND + 1}`, limit: '97', order: 'asc', ...(after && { after }) };
    const page = await listResponses(store, ofResponses(query), 't');
    ids.push(...page.data.map(({ id, made_by }) => `${made_by} ${id}`));
    after = page.has_more ? page.last_id : null;
  } while (after);
  const expected = [null, 'alice', 'bob'].flatMap((user, n) =>
    Array.from({ length: 1000 }, (_, at) => at)
      .filter((at) => at % 100 !== 99 && [1, 2].indexOf(at % 10) === n - 1)
      .map((at) => `${user} ${idAt('resp', at)}`),
  );
  assert.deepEqual(ids, expected);
});

test('what an older program wrote is found by its model and metadata once the sweep has been there', async (t) => {
  const database = sqliteDatabase(new DatabaseSync(':memory:'));
  t.after(() => database.close());
  const version = migrations.findIndex((steps) => steps.some((step) => step.includes('responses_listed')));
  await migrate(database, version);
  const written = (id: string, body: string) =>
    write(sql`INSERT INTO responses (tenant, id, owner, status, background, compacted, body, expires_at)
      VALUES ('t', ${id}, '', 'completed', 0, 0, ${body}, 1e15)`);
  const body = (id: string, rest: object = {}) =>
    JSON.stringify({ id, status: 'completed', ...rest, model: 'old', metadata: { run: '1', '\0': 'unfit' } });
  const pieces = body('resp_000000000002', { instructions: 'x'.repeat(1000) }).match(/.{1,100}/gs) ?? [];
  const conversation = (id: string, metadata: object) =>
    write(
      sql`INSERT INTO conversations (tenant, id, created_at, metadata) VALUES ('t', ${id}, 0, ${JSON.stringify(metadata)})`,
    );
  await database.batch({
    responses: [
      written('resp_000000000001', body('resp_000000000001')),
      written('resp_000000000002', ''),
      written('resp_000000000003', 'no JSON'),
    ],
    pieces: pieces.map((piece, n) =>
      write(
        sql`INSERT INTO chunks (tenant, holder, side, place, n, body) VALUES ('t', 'resp_000000000002', 'body', 0, ${n}, ${piece})`,
      ),
    ),
    more: Array.from({ length: 100 }, (_, n) =>
      written(`resp_1${String(n).padStart(11, '0')}`, body(`resp_1${String(n).padStart(11, '0')}`)),
    ),
    conversations: [conversation('conv_000000000001', { run: '1' }), conversation('conv_000000000002', {})],
  });
  await migrate(database);
  const store = storeOf(database);
  const query = { limit: '100', order: 'asc', metadata: { run: '1' } };
  assert.deepEqual((await listResponses(store, ofResponses(query))).data, []);
  await sweep(database, new ProcessLease(1_000), Date.now());
  const { data, has_more } = await listResponses(store, ofResponses({ ...query, model: 'old' }));
  assert.deepEqual(
    [data[0]?.id, data[1]?.id, data.length, has_more],
    ['resp_000000000001', 'resp_000000000002', 100, true],
  );
  assert.deepEqual(
    (await listConversations(store, ofConversations(query))).data.map(({ id }) => id),
    ['conv_000000000001'],
  );
  await database.batch({
    gone: write(sql`UPDATE responses SET expires_at = 1`),
    left: write(sql`UPDATE conversations SET deleted_at = 1`),
  });
  await sweep(database, new ProcessLease(1_000), Date.now());
  const { left } = await database.batch({ left: read(sql`SELECT * FROM metadata`) });
  assert.deepEqual(left, [], 'metadata goes with what has it');
});
