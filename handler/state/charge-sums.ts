import { tenantOf } from '../caller.ts';
import { fixedLimits } from '../limits.ts';
import { batchesOf } from './batches.ts';
import { Conflict, type Database, type Row, type Statement, type Value } from './database/database.ts';
import { list, raw, read, type Sql, sql, write } from './database/sql.ts';
import { addStored } from './stored-bytes.ts';

/** A day in milliseconds; usage is by the days of UTC. */
export const DAY_MS = 86_400_000;

/** What is counted of turns: columns of `charges` and, beside `requests`, of `usage`. */
export const countColumns = ['input', 'cached', 'cache_write', 'output', 'reasoning', 'total'] as const;

/** Whose turns, of which model and which kind: columns of both. */
export const usageColumns = ['user_name', 'project', 'key_id', 'model', 'kind'] as const;

const ROWS = raw(fixedLimits.chargeRows);

/**
 * Adds one slice of the charges to `usage`, each once: the batch that adds it marks it, and is undone if another process has done
 * so meanwhile. `told` gets what was added then. Returns whether there may be more.
 */
export async function addUpCharges(
  database: Database,
  now: number,
  told: (rows: readonly Row[]) => void = () => {},
): Promise<boolean> {
  const { rows } = await database.batch({
    rows: read(sql`SELECT c.tenant, c.id, c.at, ${raw([...usageColumns, ...countColumns].join(', '))}, c.costs, c.stored FROM charges c
      WHERE c.remove_at = 0 ORDER BY c.tenant, c.id LIMIT ${ROWS}`),
  });
  if (rows.length === 0) return false;
  try {
    await database.batch({
      marked: mark(rows, now + fixedLimits.chargesKept),
      added: addUp(rows),
      stored: addStored(storedOf(rows)),
    });
  } catch (error) {
    if (error instanceof Conflict) return false; // another process adds them up
    throw error;
  }
  told(rows);
  return rows.length === fixedLimits.chargeRows;
}

/** Deletes one slice of the charges that were added up long enough ago. Returns whether there may be more. */
export async function removeCharges(database: Database, now: number): Promise<boolean> {
  const { removed } = await database.batch({
    removed: write(sql`DELETE FROM charges WHERE (tenant, id) IN (SELECT c.tenant, c.id FROM charges c
      WHERE c.remove_at > 0 AND c.remove_at < ${now} ORDER BY c.remove_at LIMIT ${ROWS}) RETURNING id`),
  });
  return removed.length === fixedLimits.chargeRows;
}

/** Marks charges as added up; undoes the batch if one of them is. */
function mark(rows: readonly Row[], removeAt: number): Statement[] {
  return batchesOf(rows).map((some) => {
    const ids = some.map(({ tenant = null, id = null }) => sql`(${tenant}, ${id})`);
    return write(sql`UPDATE charges SET remove_at = CASE WHEN remove_at = 0 THEN CAST(${removeAt} AS bigint) END
      WHERE (tenant, id) IN (VALUES ${list(ids)})`);
  });
}

/** The sums of rows that are of the same tenant, day, user, project, key, model and kind. */
interface Group {
  key: readonly Value[];
  counts: number[];
  costs: Map<string, number>;
}

function addUp(rows: readonly Row[]): Statement[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const at = Number(row.at);
    const key = [row.tenant ?? '', at - (at % DAY_MS), ...usageColumns.map((column) => row[column] ?? '')];
    const name = JSON.stringify(key);
    const group = groups.get(name) ?? { key, counts: [0, ...countColumns.map(() => 0)], costs: new Map() };
    groups.set(name, group);
    const counts = [1, ...countColumns.map((column) => Number(row[column]))];
    group.counts = group.counts.map((sum, n) => sumOf(sum, counts[n] ?? 0));
    for (const [cost, amount] of costsOf(row.costs)) group.costs.set(cost, sumOf(group.costs.get(cost) ?? 0, amount));
  }
  return [...groups.values()].flatMap(({ key, counts, costs }) => [
    add(raw('usage'), key, raw(KEY), [...COUNTS], counts),
    ...[...costs].map(([cost, amount]) =>
      add(raw('usage_costs'), [...key, cost], raw(`${KEY}, name`), ['amount'], [amount]),
    ),
  ]);
}

function storedOf(rows: readonly Row[]): Map<string, number> {
  const stored = new Map<string, number>();
  for (const row of rows) {
    const tenant = tenantOf(String(row.tenant));
    stored.set(tenant, (stored.get(tenant) ?? 0) + Number(row.stored));
  }
  return stored;
}

const KEY = ['tenant', 'day', ...usageColumns].join(', ');
const COUNTS = ['requests', ...countColumns];

/** Adds numbers to the row of this key, or inserts it. */
function add(table: Sql, key: readonly Value[], columns: Sql, names: string[], numbers: readonly number[]): Statement {
  const sums = names.map((name) => raw(`${name} = ${bounded(`${table.text}.${name} + excluded.${name}`)}`));
  return write(sql`INSERT INTO ${table} (${columns}, ${raw(names.join(', '))}) VALUES (${list([...key, ...numbers])})
    ON CONFLICT (${columns}) DO UPDATE SET ${list(sums)}`);
}

/** A number is read exactly up to 2^53: a sum stays there, whatever a cost is. */
const bounded = (sum: string) =>
  `CASE WHEN ${sum} > ${Number.MAX_SAFE_INTEGER} THEN ${Number.MAX_SAFE_INTEGER} ELSE ${sum} END`;

function sumOf(a: number, b: number): number {
  return Math.min(a + b, Number.MAX_SAFE_INTEGER);
}

/** The costs of a charge, by name. */
export function costsOf(stored: Value | undefined): [name: string, amount: number][] {
  return Object.entries(JSON.parse(String(stored ?? '{}')) as Record<string, number>); // as insertCharge wrote them
}
