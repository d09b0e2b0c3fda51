import { afterUsersOf, tenantOf } from '../caller.ts';
import { fixedLimits } from '../limits.ts';
import { addUpCharges, costsOf, countColumns, DAY_MS, usageColumns } from './charge-sums.ts';
import type { Database, Row } from './database/database.ts';
import { list, raw, read, type Sql, sql } from './database/sql.ts';

/** What usage can be told apart by, and the column of each. */
export const usageGroups = {
  day: 'day',
  user: 'user_name',
  project: 'project',
  key: 'key_id',
  model: 'model',
  kind: 'kind',
} as const;

/** One of them. */
export type UsageGroup = keyof typeof usageGroups;

/** A group of usage by its columns: those by which nothing is told apart are 0 and empty. */
export type UsageKey = readonly [day: number, ...names: string[]];

/** What is asked of usage. */
export interface UsageQuery {
  /** Where the caller's rows are, and the tenant whose users' rows are asked for in place of these, if they are. */
  tenant: string;
  whole?: string | undefined;
  /** Whose alone, as a column and its value. Default: everybody's of the tenant. */
  only?: { user: string } | { key: string } | { user: ''; key: '' } | undefined;
  /** Days from this one on, and before that one, in milliseconds since 1970. */
  from: number;
  to: number;
  by: ReadonlySet<UsageGroup>;
  /** The last group of the page before. */
  after?: UsageKey | undefined;
  /** Groups at most. */
  limit: number;
}

/** The sums of one group. */
export interface UsageSum {
  key: UsageKey;
  requests: number;
  counts: Record<(typeof countColumns)[number], number>;
  costs: Record<string, number>;
}

/**
 * Reads a page of usage in the order of its keys, and one group more if there is one: what was added up, and the charges that are
 * not yet, in one moment. If those are many, they are added up first, by `addUp` for all tenants.
 */
export async function readUsage(
  database: Database,
  query: UsageQuery,
  addUp: () => Promise<unknown> = () => addUpCharges(database, Date.now()),
): Promise<UsageSum[]> {
  for (;;) {
    const { groups, costs, charges } = await database.batch(statementsOf(query));
    if (charges.length > fixedLimits.chargesRead) {
      await addUp();
      continue;
    }
    const sums = new Map(groups.map((row) => [nameOf(row), sumOf(row)]));
    for (const row of costs) addCost(sums.get(nameOf(row)), String(row.name), Number(row.amount));
    for (const row of charges) {
      for (const [name, amount] of costsOf(row.costs)) addCost(sums.get(nameOf(row)), name, amount * Number(row.n));
    }
    return [...sums.values()];
  }
}

/** The tenants that have used something, one after another. */
export async function* tenantsWithUsage(database: Database): AsyncGenerator<string> {
  for (let past = ''; ; ) {
    const { found } = await database.batch({
      found: [
        read(sql`SELECT min(u.tenant) AS tenant FROM usage u WHERE u.tenant >= ${past}`),
        read(sql`SELECT min(c.tenant) AS tenant FROM charges c WHERE c.tenant >= ${past}`),
      ],
    });
    const [next] = found.flatMap(({ tenant }) => (tenant === null ? [] : [tenantOf(String(tenant))])).sort();
    if (next === undefined) return;
    yield next;
    past = afterUsersOf(next);
  }
}

const COLUMNS = ['day', ...usageColumns] as const;
const KEY = raw(COLUMNS.join(', '));
const COUNTS = ['requests', ...countColumns];

/** A sum as a number that no database refuses to give. */
const total = (column: string) => raw(`CAST(sum(${column}) AS double precision) AS ${column}`);

function statementsOf(query: UsageQuery) {
  const { tenant, whole, after, limit } = query;
  const within =
    whole === undefined ? sql`tenant = ${tenant}` : sql`tenant >= ${whole} AND tenant < ${afterUsersOf(whole)}`;
  const summed = (what: Sql, table: 'usage' | 'usage_costs') =>
    sql`SELECT ${keyOf(query, raw('u.day'))}, ${what} FROM ${raw(table)} u
      WHERE u.${within} AND u.day >= ${query.from} AND u.day < ${query.to} ${only(query, 'u')}`;
  const charged = (what: Sql) =>
    sql`SELECT ${keyOf(query, raw(`c.at - c.at % ${DAY_MS}`))}, ${what} FROM charges c
      WHERE c.remove_at = 0 AND c.${within} AND c.at >= ${query.from} AND c.at < ${query.to} ${only(query, 'c')}`;
  const past = after ? sql`WHERE (${KEY}) > (${list(after)})` : raw('');
  const page = (what: Sql, all: Sql) =>
    sql`SELECT ${KEY}${what} FROM (${all}) g ${past} GROUP BY ${KEY} ORDER BY ${KEY} LIMIT ${limit + 1}`;
  const all = sql`${summed(raw(COUNTS.map((name) => `u.${name}`).join(', ')), 'usage')}
    UNION ALL ${charged(raw(['1 AS requests', ...countColumns.map((name) => `c.${name}`)].join(', ')))}`;
  const keys = sql`${summed(raw('1 AS one'), 'usage')} UNION ALL ${charged(raw('1 AS one'))}`;
  const ofPage = sql`(${KEY}) IN (SELECT ${KEY} FROM (${page(raw(''), keys)}) p)`;
  return {
    groups: read(page(sql`, ${list(COUNTS.map(total))}`, all)),
    costs: read(sql`SELECT ${KEY}, name, ${total('amount')} FROM (${summed(raw('u.name, u.amount'), 'usage_costs')}) g
      WHERE ${ofPage} GROUP BY ${KEY}, name`),
    charges: read(sql`SELECT ${KEY}, costs, count(*) AS n FROM (${charged(raw('c.costs'))}) g
      WHERE costs <> '{}' AND ${ofPage} GROUP BY ${KEY}, costs LIMIT ${raw(fixedLimits.chargesRead + 1)}`),
  };
}

/** The columns of a group: those by which it is told apart, and constants for the others. */
function keyOf({ by }: UsageQuery, day: Sql): Sql {
  const grouped = new Set<string>([...by].map((group) => usageGroups[group]));
  return list([
    sql`${by.has('day') ? day : raw('CAST(0 AS bigint)')} AS day`,
    ...usageColumns.map((column) => (grouped.has(column) ? raw(column) : raw(`'' AS ${column}`))),
  ]);
}

function only({ only: whose }: UsageQuery, row: 'u' | 'c'): Sql {
  if (!whose) return raw('');
  const conditions = Object.entries(whose).map(
    ([group, value]) => sql`AND ${raw(`${row}.${group === 'user' ? usageGroups.user : usageGroups.key}`)} = ${value}`,
  );
  return conditions.reduce((a, b) => sql`${a} ${b}`);
}

function nameOf(row: Row): string {
  return JSON.stringify(COLUMNS.map((column) => row[column]));
}

function sumOf(row: Row): UsageSum {
  const counts = Object.fromEntries(countColumns.map((name) => [name, Number(row[name])]));
  const key = [Number(row.day), ...usageColumns.map((column) => String(row[column]))];
  return {
    key: key as [number, ...string[]], // the day is the first column
    requests: Number(row.requests),
    counts: counts as UsageSum['counts'], // its members are these columns
    costs: {},
  };
}

function addCost(sum: UsageSum | undefined, name: string, amount: number): void {
  if (sum) sum.costs[name] = (sum.costs[name] ?? 0) + amount;
}

/** The start of the day of a time, in milliseconds since 1970. */
export function dayOf(time: number): number {
  return time - (time % DAY_MS);
}
