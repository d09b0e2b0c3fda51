import { afterUsersOf, tenantOf, userOf } from '../caller.ts';
import { timeOf } from '../ids.ts';
import type { Database, Row, Statement } from './database/database.ts';
import { list, raw, read, type Sql, sql, write } from './database/sql.ts';
import { OPEN, type ProcessLease } from './process-lease.ts';
import { dropTenantKeys } from './tenant-keys.ts';

/** A table with rows of tenants: its name, its key behind the tenant, and its texts. */
interface TenantTable {
  name: string;
  key: readonly string[];
  texts: readonly string[];
  /** Whether a row with a new id shows that somebody uses the tenant. */
  isUse?: boolean;
}

const USAGE_KEY = ['user_name', 'project', 'key_id', 'model', 'kind'];

/** All tables with a column `tenant`, in the order in which a tenant is removed: keys first, which let nobody in then. */
export const tenantTables: readonly TenantTable[] = [
  { name: 'keys', key: ['id'], texts: [] },
  { name: 'allowances', key: ['name', 'starts'], texts: [] },
  { name: 'reservations', key: ['name', 'starts', 'owner'], texts: [] },
  { name: 'jobs', key: ['response'], texts: ['body', 'progress'] },
  { name: 'idempotency', key: ['key'], texts: ['hash'] },
  { name: 'deliveries', key: ['id', 'url'], texts: ['body'] },
  { name: 'metadata', key: ['key', 'value', 'holder'], texts: ['value'] },
  { name: 'charges', key: ['id'], texts: ['costs'] },
  { name: 'usage', key: ['day', ...USAGE_KEY], texts: [] },
  { name: 'stored_bytes', key: [], texts: [] },
  { name: 'usage_costs', key: ['day', ...USAGE_KEY, 'name'], texts: [] },
  { name: 'events', key: ['response', 'n'], texts: ['body'] },
  { name: 'items', key: ['holder', 'side', 'place'], texts: ['body'] },
  { name: 'chunks', key: ['holder', 'side', 'place', 'n'], texts: ['body'] },
  { name: 'conversations', key: ['id'], texts: ['metadata'], isUse: true },
  { name: 'responses', key: ['id'], texts: ['body'], isUse: true },
  { name: 'tenant_keys', key: ['id'], texts: ['wrapped'] },
]; // the keys of what was encrypted last, since turns that have not ended still need them

/** Rows that one statement counts, and that one removes at most; of large rows fewer, by bytes. */
const [COUNTED_ROWS, REMOVED_ROWS, REMOVED_BYTES, ROW_OVERHEAD] = [2_000, 500, 2 * 1024 * 1024, 4_096];

/** The pause between two looks at turns that have not ended, in milliseconds. */
const POLL_MS = 500;

/** How long a process may know a key that is gone, in milliseconds. */
const KEY_MS = 6_000;

/** Passes over a tenant that find what was begun after the removal: then somebody uses it. */
const MAX_PASSES = 3;

/** What a tenant has, with what is deleted or expired and not yet removed. */
export interface TenantSize {
  tenant: string;
  /** Users who are apart from others. */
  users: number;
  /** Rows by the names of tables, and the bytes of their texts. */
  rows: Record<string, number>;
  bytes: number;
}

/** What was to be measured has more rows than as many slices count. */
export class TooManyRows extends Error {}

/**
 * Counts what tenants have, or one of them, in slices with pauses as long as they took. Ordered by name. Rejects with TooManyRows where
 * `maxSlices` do not suffice.
 */
export async function measureTenants(
  database: Database,
  only?: string,
  maxSlices = Number.POSITIVE_INFINITY,
): Promise<TenantSize[]> {
  const sizes = new Map<string, TenantSize>();
  const partitions = new Set<string>();
  let slices = 0;
  for (const table of tenantTables) {
    for (let after: Row | undefined, more = true; more; ) {
      if (slices++ >= maxSlices) throw new TooManyRows();
      const { counts, edge }: { counts: readonly Row[]; edge: readonly Row[] } = await paced(() =>
        database.batch(countSlice(table, after, only)),
      );
      for (const { tenant, n, bytes } of counts) {
        const partition = String(tenant);
        if (partition === '') continue; // what is of all, or of a process
        const name = tenantOf(partition);
        const size = sizes.get(name) ?? { tenant: name, users: 0, rows: {}, bytes: 0 };
        sizes.set(name, size);
        if (userOf(partition) !== undefined && !partitions.has(partition)) size.users++;
        partitions.add(partition);
        size.rows[table.name] = (size.rows[table.name] ?? 0) + Number(n);
        size.bytes += Number(bytes);
      }
      [after] = edge;
      more = after !== undefined;
    }
  }
  return [...sizes.values()].sort((a, b) => (a.tenant < b.tenant ? -1 : 1));
}

function countSlice({ name, key, texts }: TenantTable, after: Row | undefined, only: string | undefined) {
  const columns = columnsOf('t', key);
  const conditions = [
    ...(only === undefined ? [] : [ofTenant('t', only)]),
    ...(after ? [sql`(${columns}) > (${list(['tenant', ...key].map((column) => after[column] ?? null))})`] : []),
  ];
  const where = conditions.length === 0 ? raw('') : sql`WHERE ${conditions.reduce((a, b) => sql`${a} AND ${b}`)}`;
  const rows = (what: Sql, bound: Sql) =>
    sql`SELECT ${what} FROM ${raw(name)} t ${where} ORDER BY ${columns} LIMIT ${bound}`;
  return {
    counts: read(sql`SELECT s.tenant, count(*) AS n, sum(s.bytes) AS bytes FROM (
      ${rows(sql`t.tenant, ${bytesOf('t', texts)} AS bytes`, raw(COUNTED_ROWS))}) s GROUP BY s.tenant`),
    edge: read(rows(columns, sql`1 OFFSET ${raw(COUNTED_ROWS - 1)}`)),
  };
}

/** Names of all partitions of a tenant that have responses or conversations, one after another. */
export async function* partitionsOf(database: Database, tenant: string): AsyncGenerator<string> {
  for (let last: string | undefined; ; ) {
    const past = last === undefined ? sql`tenant >= ${tenant}` : sql`tenant > ${last}`;
    const first = (table: string) =>
      read(sql`SELECT min(tenant) AS tenant FROM ${raw(table)} WHERE ${past} AND tenant < ${afterUsersOf(tenant)}`);
    const { found } = await database.batch({ found: [first('responses'), first('conversations')] });
    const [next] = found.flatMap(({ tenant }) => (tenant === null ? [] : [String(tenant)])).sort();
    if (next === undefined) return;
    yield next;
    last = next;
  }
}

/** What `removeTenant` tells on its way. */
export interface RemovalNews {
  /** Background turns that were cancelled. */
  cancelled(turns: number): void;
  /** Turns that clients wait for, before whose end their rows cannot go. */
  waiting(turns: number): void;
}

/**
 * Removes all rows of a tenant and its users, in slices with pauses as long as they took, beside servers that run: background
 * turns are cancelled, and of turns that clients wait for the end is waited for. Returns how many rows went, by table. Throws an
 * Error when the tenant is used meanwhile.
 */
export async function removeTenant(
  database: Database,
  lease: ProcessLease,
  tenant: string,
  news: RemovalNews,
): Promise<Record<string, number>> {
  const started = Date.now() + KEY_MS;
  const removed: Record<string, number> = {};
  let cancelled = await cancelTurns(database, tenant);
  for (let used = 0; ; ) {
    if (cancelled.length > 0) {
      news.cancelled(cancelled.length);
      // Whoever makes them hears of it within a lease, and writes nothing until then that outlives their rows.
      if (cancelled.some(({ owner }) => owner !== '')) await pause(lease.duration);
    }
    let rows = 0;
    let isUsed = false;
    for (const table of tenantTables) {
      let gone = 0;
      if (table.name === 'tenant_keys') await dropTenantKeys(database, tenant, Date.now());
      for (let more = true; more; ) {
        const { slice } = await paced(() => database.batch({ slice: removeSlice(table, tenant) }));
        gone += slice.length;
        more = slice.length > 0;
        if (table.isUse && slice.some(({ id }) => timeOf(String(id)) > started)) isUsed = true;
      }
      if (table.name === 'keys' && gone > 0) await pause(KEY_MS);
      removed[table.name] = (removed[table.name] ?? 0) + gone;
      rows += gone;
    }
    await lease.endTurnsOfDead(database);
    cancelled = await cancelTurns(database, tenant);
    const open = await countOpen(database, tenant);
    if (rows + open + cancelled.length === 0) break;
    if (isUsed && ++used >= MAX_PASSES) {
      throw new Error('the tenant is in use: who calls as this tenant has to be kept out first');
    }
    if (open > 0) {
      news.waiting(open);
      await pause(POLL_MS);
    }
  }
  while (await database.giveBack?.()) await pause(0);
  return removed;
}

/** Removes the first rows, but no response that is being made: its end is written into its row. */
function removeSlice({ name, key, texts }: TenantTable, tenant: string): Statement {
  const own = raw(['tenant', ...key].join(', '));
  const notOpen = name === 'responses' ? sql`AND t.status NOT IN ('queued', 'in_progress')` : raw('');
  return write(sql`DELETE FROM ${raw(name)} WHERE (${own}) IN (
    SELECT ${columnsOf('s', key)} FROM (
      SELECT p.*, sum(p.size) OVER (ORDER BY ${columnsOf('p', key)}) AS total FROM (
        SELECT ${columnsOf('t', key)}, ${bytesOf('t', texts)} + ${raw(ROW_OVERHEAD)} AS size FROM ${raw(name)} t
        WHERE ${ofTenant('t', tenant)} ${notOpen} ORDER BY ${columnsOf('t', key)} LIMIT ${raw(REMOVED_ROWS)}
      ) p
    ) s WHERE s.total <= ${raw(REMOVED_BYTES)} OR s.total = s.size) RETURNING ${own}`);
}

/** Turns that have not ended, of all tenants: the bound makes databases look for them first, by their index. */
const OPEN_TURNS = sql`(SELECT r.tenant, r.id, r.owner, r.background FROM responses r WHERE ${OPEN} LIMIT 1000000)`;

/** Ends the background turns of a tenant as cancelled, with nothing else: their rows go at once. Returns them with their owners. */
async function cancelTurns(database: Database, tenant: string): Promise<Row[]> {
  const cancelled: Row[] = [];
  for (;;) {
    const { found } = await database.batch({
      found: read(sql`SELECT r.tenant, r.id, r.owner FROM ${OPEN_TURNS} r
        WHERE ${ofTenant('r', tenant)} AND r.background > 0 LIMIT 100`),
    });
    if (found.length === 0) return cancelled;
    await database.batch({
      ended: found.map(({ tenant = null, id = null }) =>
        write(sql`UPDATE responses AS r SET status = 'cancelled', owner = '', waits = 0
          WHERE r.tenant = ${tenant} AND r.id = ${id} AND ${OPEN}`),
      ),
    });
    cancelled.push(...found);
  }
}

async function countOpen(database: Database, tenant: string): Promise<number> {
  const { open } = await database.batch({
    open: read(sql`SELECT count(*) AS n FROM ${OPEN_TURNS} r WHERE ${ofTenant('r', tenant)} AND r.background = 0`),
  });
  return Number(open[0]?.n);
}

/** The rows of a tenant and of its users. */
function ofTenant(row: string, tenant: string): Sql {
  const column = raw(`${row}.tenant`);
  return sql`${column} >= ${tenant} AND ${column} < ${afterUsersOf(tenant)}`;
}

function columnsOf(row: string, key: readonly string[]): Sql {
  return raw(['tenant', ...key].map((column) => `${row}.${column}`).join(', '));
}

function bytesOf(row: string, texts: readonly string[]): Sql {
  return raw(['0', ...texts.map((column) => `octet_length(${row}.${column})`)].join(' + '));
}

/** What some work gives, after a pause as long as it took. */
async function paced<T>(work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  await pause(performance.now() - started);
  return result;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
