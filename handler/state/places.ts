import type { Database, Statement } from './database/database.ts';
import { raw, read, type Sql, sql, write } from './database/sql.ts';
import { untilKnown } from './until-known.ts';

/** Places have no window. */
const NO_WINDOW = raw(0);

/** Where each process says that it lives: a row of its own, of no tenant. */
const ALIVE = sql`tenant = '' AND name = 'places' AND starts = ${NO_WINDOW}`;

/** The part of what is free that nobody gets ahead. */
const SHARE = raw(4);

/** How long after its last write a row is nobody's any more, in milliseconds: that of a process, and what it had. */
const [ALIVE_MS, KEPT_MS] = [60_000, 86_400_000];

/** Places of one counter of a tenant, as a process asks for them. */
export interface PlaceRequest {
  readonly tenant: string;
  readonly name: string;
  /** What all processes may have together. */
  readonly limit: number;
  /** What is held and cannot be given back, that and what waits, and what would be had beside it. */
  readonly used: number;
  readonly needed: number;
  readonly ahead: number;
}

/** A process as others see it: its last sign of life stays the same once it has died. */
export interface LivingProcess {
  readonly owner: string;
  readonly sign: number;
}

/** What a process tells beside what it asks for; `sign` is another one each time. */
export type Sign = { readonly owner: string; readonly sign?: number | undefined };

/** A sign of life for now, other than the last one. */
export function signAfter(last: number): number {
  return Math.max(Date.now() + ALIVE_MS, last + 1);
}

/**
 * Takes places for a process, in one round trip, and says how many it has of each. All that live have never more than the limit, but for
 * what is used. Gives the other processes as well where the sign of life is told.
 */
export async function reservePlaces(
  database: Database,
  { owner, sign }: Sign,
  requests: readonly PlaceRequest[],
): Promise<{ amounts: number[]; others: LivingProcess[] }> {
  const until = Date.now() + KEPT_MS;
  const { found, others } = await untilKnown(() =>
    database.batch({
      ...telling(owner, sign),
      // First, since it locks the row: of processes that ask at once each sees what the one before has got.
      locked: requests.map(({ tenant, name }) =>
        write(sql`INSERT INTO allowances (tenant, name, starts, ends, used) VALUES (${tenant}, ${name}, ${NO_WINDOW}, ${until}, 0)
          ON CONFLICT (tenant, name, starts) DO UPDATE SET ends = excluded.ends`),
      ),
      reserved: requests.map((request) => insertPlaces(request, owner, until)),
      found: requests.map(({ tenant, name }) =>
        read(sql`SELECT r.amount FROM reservations r
          WHERE r.tenant = ${tenant} AND r.name = ${name} AND r.starts = ${NO_WINDOW} AND r.owner = ${owner}`),
      ),
    }),
  );
  return { amounts: found.map(({ amount }) => Number(amount)), others: othersIn(others) };
}

/** Leaves a process so many of its places, tells its sign of life, and gives the other processes. */
export async function keepPlaces(
  database: Database,
  { owner, sign }: Sign,
  kept: readonly { tenant: string; name: string; amount: number }[],
): Promise<LivingProcess[]> {
  const until = Date.now() + KEPT_MS;
  const { others } = await database.batch({
    ...telling(owner, sign),
    kept: kept.map(({ tenant, name, amount }) => {
      const own = sql`tenant = ${tenant} AND name = ${name} AND starts = ${NO_WINDOW} AND owner = ${owner}`;
      return amount === 0
        ? write(sql`DELETE FROM reservations WHERE ${own}`)
        : write(sql`UPDATE reservations SET amount = ${amount}, until = ${until} WHERE ${own}`);
    }),
  });
  return othersIn(others);
}

/** The places of processes that have died count no more, unless one has given another sign of life. */
export async function forgetDead(database: Database, dead: readonly LivingProcess[]): Promise<void> {
  await database.batch({
    dead: dead.map(({ owner, sign }) =>
      write(sql`DELETE FROM reservations WHERE ${ALIVE} AND owner = ${owner} AND until = ${sign}`),
    ),
  });
}

/** Gives up all places of a process, and its sign of life: they are everybody's at once. */
export async function leavePlaces(
  database: Database,
  owner: string,
  held: readonly { tenant: string; name: string }[],
): Promise<void> {
  await database.batch({
    left: write(sql`DELETE FROM reservations WHERE ${ALIVE} AND owner = ${owner}`),
    given: held.map(({ tenant, name }) =>
      write(
        sql`DELETE FROM reservations WHERE tenant = ${tenant} AND name = ${name} AND starts = ${NO_WINDOW} AND owner = ${owner}`,
      ),
    ),
  });
}

/** The sign of life of a process, and its look at those of others; nothing without one. */
function telling(owner: string, sign: number | undefined): { alive: Statement[]; others: Statement[] } {
  if (sign === undefined) return { alive: [], others: [] };
  return {
    alive: [
      write(sql`INSERT INTO reservations (tenant, name, starts, owner, amount, until) VALUES ('', 'places', ${NO_WINDOW}, ${owner}, 0, ${sign})
        ON CONFLICT (tenant, name, starts, owner) DO UPDATE SET until = excluded.until`),
    ],
    others: [read(sql`SELECT owner, until FROM reservations WHERE ${ALIVE} AND owner <> ${owner}`)],
  };
}

function othersIn(rows: readonly Record<string, unknown>[]): LivingProcess[] {
  return rows.map(({ owner, until }) => ({ owner: String(owner), sign: Number(until) }));
}

function insertPlaces(
  { tenant, name, limit, used, needed, ahead }: PlaceRequest,
  owner: string,
  until: number,
): Statement {
  const ofOthers = sql`(SELECT CAST(coalesce(sum(r.amount), 0) AS bigint) FROM reservations r
    WHERE r.tenant = ${tenant} AND r.name = ${name} AND r.starts = ${NO_WINDOW} AND r.owner <> ${owner}
      AND EXISTS (SELECT 1 FROM reservations p WHERE p.tenant = '' AND p.name = 'places' AND p.starts = ${NO_WINDOW} AND p.owner = r.owner))`;
  return write(sql`INSERT INTO reservations (tenant, name, starts, owner, amount, until)
    SELECT CAST(${tenant} AS text), CAST(${name} AS text), ${NO_WINDOW}, CAST(${owner} AS text), CASE
        WHEN f.free <= ${bigint(used)} THEN ${bigint(used)}
        WHEN f.free <= ${bigint(needed)} THEN f.free
        WHEN (f.free - ${bigint(needed)}) / ${SHARE} < ${bigint(ahead)} THEN ${bigint(needed)} + (f.free - ${bigint(needed)}) / ${SHARE}
        ELSE ${bigint(needed + ahead)} END, ${bigint(until)}
      FROM (SELECT ${bigint(limit)} - ${ofOthers} AS free) f
      WHERE 1 = 1
    ON CONFLICT (tenant, name, starts, owner) DO UPDATE SET amount = excluded.amount, until = excluded.until`);
}

/** A number whose type no database has to guess. */
function bigint(value: number): Sql {
  return sql`CAST(${value} AS bigint)`;
}
