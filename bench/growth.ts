import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { newId } from '../handler/ids.ts';
import { MemoryBudget } from '../handler/index.ts';
import type { Item } from '../handler/items/item.ts';
import type { Response } from '../handler/protocol/response.ts';
import type { Database } from '../handler/state/database/database.ts';
import { sql, write } from '../handler/state/database/sql.ts';
import { readHistory } from '../handler/state/history.ts';
import { HistoryCache } from '../handler/state/history-cache.ts';
import { listResponses } from '../handler/state/lists.ts';
import { ProcessLease } from '../handler/state/process-lease.ts';
import { recordTurn } from '../handler/state/record.ts';
import { getResponse, listInputItems } from '../handler/state/responses.ts';
import { sweep } from '../handler/state/sweep.ts';
import type { TenantStore } from '../handler/state/tenant-store.ts';
import { openDatabase } from '../shim/database.ts';
import { newRoles } from '../test/support/databases/postgres-roles.ts';
import { newFolder } from '../test/support/folder.ts';
import { startPostgres } from '../test/support/postgres-server.ts';
import {
  type Block,
  chainsOf,
  type Dialect,
  fillingOf,
  idOf,
  postgres,
  sqlite,
  TENANTS,
  TURNS,
  tenantOf,
} from './growth-fill.ts';
import { quantile } from './statistics.ts';

// `node bench/growth.ts [postgres|sqlite] [RESPONSES]`: how long each operation takes in a database that grows to so many responses,
// twice as many items. `npm run bench:growth` fills five million, some 8 GB in the temporary folder.

const [kind = 'postgres', size = '5000000'] = process.argv.slice(2);
const total = Number(size);
const blocks = [total / 100, total / 10, total];

/** Measurements of each operation, of sweeps, and responses that one of those removes. */
const [TIMES, SWEPT] = [100, 500];

/** A database, and how bulk is loaded: `run` runs a statement of its own dialect. */
interface Subject {
  database: Database;
  dialect: Dialect;
  run(statement: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

async function openPostgres(): Promise<Subject> {
  const settings = ['shared_buffers=1GB', 'max_wal_size=8GB', 'maintenance_work_mem=512MB', 'work_mem=32MB', 'jit=off'];
  const server = await startPostgres([...settings, 'max_parallel_workers_per_gather=0']);
  const urls = await newRoles(server);
  const database = await openDatabase({ url: urls.url, admin: urls.admin });
  const client = new pg.Client(urls.admin);
  await client.connect();
  return {
    database,
    dialect: postgres,
    run: async (statement) => (await client.query(statement)).rows,
    async close() {
      await database.close();
      await client.end(); // the server ends with this process
    },
  };
}

async function openSqlite(): Promise<Subject> {
  const file = join(newFolder(), 'growth.db');
  const database = await openDatabase(`sqlite:${file}`);
  const connection = new DatabaseSync(file);
  connection.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -500000');
  return {
    database,
    dialect: sqlite,
    run: async (statement) => connection.prepare(statement).all(),
    async close() {
      connection.close();
      await database.close();
    },
  };
}

/** The indexes that are made anew once a block is loaded: their names and definitions. */
const INDEXES: Record<Dialect['runs'], string> = {
  postgresql: `SELECT indexname AS name, indexdef AS text FROM pg_indexes WHERE schemaname = 'public'
    AND tablename IN ('responses', 'items', 'metadata') AND indexname NOT LIKE '%_pkey'`,
  sqlite: `SELECT name, sql AS text FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
    AND tbl_name IN ('responses', 'items', 'metadata')`,
};

async function fill({ run, dialect }: Subject, block: Block): Promise<void> {
  const indexes = await run(INDEXES[dialect.runs]);
  for (const { name } of indexes) await run(`DROP INDEX ${name}`);
  for (const statement of fillingOf(block, dialect)) await run(statement);
  for (const { text } of indexes) await run(String(text));
  await run(dialect.runs === 'postgresql' ? 'VACUUM ANALYZE' : 'PRAGMA wal_checkpoint(TRUNCATE)');
}

function storeOf(database: Database, tenant: string): TenantStore {
  const memory = new MemoryBudget(1e9);
  return {
    ...{ database: database.of?.(tenant) ?? database, lease, lastWrite: { failed: false } },
    ...{ histories: new HistoryCache(new MemoryBudget(0)), webhooks: [], retention: 1e12, logRetention: 1 },
    ...{ stored: Number.POSITIVE_INFINITY, history: 1e8, tenant, memory: memory.open() },
  };
}

const lease = new ProcessLease(60_000);

async function timed(work: (n: number) => Promise<unknown>, times = TIMES): Promise<string> {
  const took: number[] = [];
  for (let n = 0; n < times; n++) {
    const from = performance.now();
    await work(n);
    took.push(performance.now() - from);
  }
  return `${quantile(took, 0.5).toFixed(1)} / ${Math.max(...took).toFixed(0)}`;
}

async function create(store: TenantStore, previous: string, template: Response): Promise<void> {
  const origin = await readHistory(store, { previous_response_id: previous });
  const id = newId('resp');
  const said = (type: string, prefix: string) => ({
    ...{ id: newId(prefix), type: 'message', status: 'completed' },
    content: [{ type, text: 'What somebody says, or a model. '.repeat(6) }],
  });
  const input = [{ ...said('input_text', 'msg'), role: 'user' }] as unknown as Item[]; // a message is one
  const output = [{ ...said('output_text', 'msg'), role: 'assistant' }] as unknown as Response['output']; // so is this
  const response: Response = { ...template, id, status: 'in_progress', output: [] };
  const record = recordTurn(store, { response, input, origin });
  await record.begin();
  await record.end({ ...response, status: 'completed', output });
}

async function measure({ database }: Subject, all: readonly Block[]): Promise<Record<string, string>> {
  const pick = () => {
    const block = all[Math.floor(Math.random() * all.length)] as Block; // there is one
    const chain = Math.floor(Math.random() * chainsOf(block));
    const at = (turn: number) => block.from + (turn - 1) * chainsOf(block) + chain;
    return { store: storeOf(database, tenantOf(block, at(1))), id: (turn: number) => idOf(block, at(turn)) };
  };
  const one = pick();
  const template = await getResponse(one.store, one.id(1));
  const listed = (query: object) =>
    timed(() => listResponses(pick().store, { limit: 20, order: 'desc', metadata: {}, ...query }));
  const history = (turns: number) =>
    timed(() => {
      const { store, id } = pick();
      return readHistory(store, { previous_response_id: id(turns) });
    });
  const sweepNow = () => sweep(database, lease, Date.now(), { maxSlices: Number.POSITIVE_INFINITY });
  const results: Record<string, string> = {
    'history of 200 turns': await history(TURNS),
    'the same chain again': await (async () => {
      const { store, id } = pick();
      return timed(() => readHistory(store, { previous_response_id: id(TURNS) }));
    })(),
    'history of 5 turns': await history(5),
    'GET a response': await timed(() => {
      const { store, id } = pick();
      return getResponse(store, id(100));
    }),
    'input items': await timed(() => {
      const { store, id } = pick();
      return listInputItems(store, id(100), { limit: 20, order: 'desc' });
    }),
    list: await listed({}),
    'list, from the middle': await timed(() => {
      const { store, id } = pick();
      return listResponses(store, { limit: 20, order: 'desc', metadata: {}, after: id(100) });
    }),
    'list by model': await listed({ model: 'm1' }),
    'list by a model that nobody used': await listed({ model: 'm9' }),
    'list by user': await listed({ user: 'u3' }),
    'list by status failed': await listed({ status: 'failed' }),
    'list by status completed': await listed({ status: 'completed' }),
    'list by metadata': await listed({ metadata: { topic: 'v100' } }),
    'list by time': await listed({ created_after: Math.floor((all[0]?.start ?? 0) / 1000), order: 'asc' }),
    'list by an item': await timed(() => {
      const { store, id } = pick();
      return listResponses(store, { limit: 20, order: 'desc', metadata: {}, id: `msg_a${id(50).slice(5)}` });
    }),
    'create a turn (history of 5)': await timed(() => {
      const { store, id } = pick();
      return create(store, id(5), template);
    }),
    'create, by the role that owns the tables': await timed(() => {
      const { store, id } = pick();
      return create({ ...store, database }, id(5), template);
    }),
    'sweep with nothing to do': await timed(sweepNow, 10),
  };
  for (let n = 0; n < SWEPT; n++) {
    const [tenant, id] = [`t${n % TENANTS}`, newId('resp')];
    await database.batch({
      response:
        write(sql`INSERT INTO responses (tenant, id, owner, status, background, compacted, expires_at, body, listed)
        VALUES (${tenant}, ${id}, '', 'completed', 0, 0, 1, '{}', 1)`),
      item: write(
        sql`INSERT INTO items (tenant, holder, side, place, id, body) VALUES (${tenant}, ${id}, 'input', 0, ${newId('msg')}, '{}')`,
      ),
    });
  }
  results[`sweep of ${SWEPT}`] = await timed(sweepNow, 1);
  return results;
}

const subject = await (kind === 'sqlite' ? openSqlite() : openPostgres());
try {
  const start = Date.now() - total * 1_000;
  const filled: Block[] = [];
  const columns: Record<string, string>[] = [];
  let from = 0;
  for (const to of blocks) {
    const block = { from, to, start };
    const begun = performance.now();
    await fill(subject, block);
    filled.push(block);
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    console.error(`${to} responses, ${2 * to} items: filled in ${seconds} s`);
    const results = await measure(subject, filled);
    columns.push(results);
    from = to;
    console.error(results);
  }
  console.log(`| p50 / max, ms | ${blocks.map((to) => `${(2 * to).toLocaleString('en')} items`).join(' | ')} |`);
  console.log(`|---|${'---|'.repeat(blocks.length)}`);
  for (const name of Object.keys(columns[0] ?? {}))
    console.log(`| ${name} | ${columns.map((column) => column[name]).join(' | ')} |`);
  await subject.close();
} catch (error) {
  console.error(error);
}
process.exit(); // the server's process keeps nothing alive
