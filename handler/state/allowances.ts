import type { Database, Statement } from './database/database.ts';
import { raw, read, type Sql, sql, write } from './database/sql.ts';
import { untilKnown } from './until-known.ts';

/** Rows that one slice of the removal takes. */
const REMOVED_ROWS = raw(200);

/** How long after its end a window is kept, in milliseconds: clocks of processes differ, and the last of what was used is still to come. */
const KEPT_MS = 60_000;

/** The part that a divided allowance leaves to others: as little is left, what one process gets ahead becomes less. */
const SHARE = raw(4);

/** What one process says of one window of an allowance, and asks of it. Times are milliseconds since 1970. */
export interface WindowReservation {
  /** The tenant that the allowance is of, and its name there. */
  readonly tenant: string;
  readonly name: string;
  /** When the window begins and ends. */
  readonly starts: number;
  readonly ends: number;
  /** What may be used in the window. */
  readonly limit: number;
  /** What was used since the process last said so. */
  readonly used: number;
  /** What it needs now, and what it would have ahead. */
  readonly needed: number;
  readonly ahead: number;
}

/** What a process has of a window. */
export interface Reserved {
  /** What it may use from now on, as far as it was to be had; it takes the place of what it had. */
  amount: number;
  /** What all have used, and what others have reserved. */
  used: number;
  others: number;
}

/**
 * Counts what a process has used in windows, and reserves for it what it needs and some of the rest, in one round trip. What all
 * have used and reserved never exceeds the limit, unless more was used than had been reserved. A reservation ends at `until`, and so
 * that of a process that has died. Gives an entry for each, in their order.
 */
export async function reserve(
  database: Database,
  owner: string,
  until: number,
  reservations: readonly WindowReservation[],
): Promise<Reserved[]> {
  const now = Date.now();
  const { found } = await untilKnown((again) =>
    database.batch({
      // First, since it locks the row: of processes that ask at once each sees what the one before has got.
      used: reservations.map((reservation) => addUsed(reservation, again ? { owner, until } : undefined)),
      reserved: reservations.map((reservation) => insertReservation(reservation, { owner, until, now })),
      found: reservations.map((reservation) => selectReserved(reservation, owner, now)),
    }),
  );
  return found.map(({ amount, used, others }) => ({
    amount: Number(amount),
    used: Number(used),
    others: Number(others),
  }));
}

/** Adds what was used; not again where the reservation `unless` is there, which was made with it. */
function addUsed(
  { tenant, name, starts, ends, used }: WindowReservation,
  unless: Pick<Claimant, 'owner' | 'until'> | undefined,
): Statement {
  const added = unless
    ? sql`CASE WHEN EXISTS (SELECT 1 FROM reservations r WHERE r.tenant = ${tenant} AND r.name = ${name} AND r.starts = ${starts}
        AND r.owner = ${unless.owner} AND r.until = ${unless.until}) THEN 0 ELSE excluded.used END`
    : sql`excluded.used`;
  return write(sql`INSERT INTO allowances (tenant, name, starts, ends, used)
    VALUES (${tenant}, ${name}, ${starts}, ${ends}, ${used})
    ON CONFLICT (tenant, name, starts) DO UPDATE SET used = allowances.used + ${added}`);
}

interface Claimant {
  owner: string;
  until: number;
  now: number;
}

function insertReservation(reservation: WindowReservation, { owner, until, now }: Claimant): Statement {
  const { tenant, name, starts, limit, needed, ahead } = reservation;
  const free = sql`${bigint(limit)} - a.used - ${ofOthers(owner, now)}`;
  return write(sql`INSERT INTO reservations (tenant, name, starts, owner, amount, until)
    SELECT f.tenant, f.name, f.starts, CAST(${owner} AS text), CASE
        WHEN f.free <= 0 THEN 0
        WHEN f.free <= ${bigint(needed)} THEN f.free
        WHEN (f.free - ${bigint(needed)}) / ${SHARE} < ${bigint(ahead)} THEN ${bigint(needed)} + (f.free - ${bigint(needed)}) / ${SHARE}
        ELSE ${bigint(needed + ahead)} END, ${bigint(until)}
      FROM (SELECT a.tenant, a.name, a.starts, ${free} AS free FROM allowances a
        WHERE a.tenant = ${tenant} AND a.name = ${name} AND a.starts = ${starts}) f
      WHERE 1 = 1
    ON CONFLICT (tenant, name, starts, owner) DO UPDATE SET amount = excluded.amount, until = excluded.until`);
}

function selectReserved({ tenant, name, starts }: WindowReservation, owner: string, now: number): Statement {
  return read(sql`SELECT a.used, ${ofOthers(owner, now)} AS others,
      (SELECT r.amount FROM reservations r WHERE r.tenant = a.tenant AND r.name = a.name AND r.starts = a.starts
        AND r.owner = ${owner}) AS amount
    FROM allowances a WHERE a.tenant = ${tenant} AND a.name = ${name} AND a.starts = ${starts}`);
}

/** What other processes have reserved of the window `a`. */
function ofOthers(owner: string, now: number): Sql {
  return sql`(SELECT CAST(coalesce(sum(r.amount), 0) AS bigint) FROM reservations r
    WHERE r.tenant = a.tenant AND r.name = a.name AND r.starts = a.starts AND r.owner <> ${owner} AND r.until > ${now})`;
}

/** A number whose type no database has to guess. */
function bigint(value: number): Sql {
  return sql`CAST(${value} AS bigint)`;
}

/** Removes a slice of the windows that are over, and of the reservations that have ended; says whether there may be more. */
export async function removeOldAllowances(database: Database, now: number): Promise<boolean> {
  const before = now - KEPT_MS;
  const { windows, reservations } = await database.batch({
    windows: write(sql`DELETE FROM allowances WHERE (tenant, name, starts) IN (
      SELECT a.tenant, a.name, a.starts FROM allowances a WHERE a.ends < ${before} LIMIT ${REMOVED_ROWS}) RETURNING starts`),
    reservations: write(sql`DELETE FROM reservations WHERE (tenant, name, starts, owner) IN (
      SELECT r.tenant, r.name, r.starts, r.owner FROM reservations r WHERE r.until < ${before} LIMIT ${REMOVED_ROWS})
      RETURNING starts`),
  });
  return windows.length + reservations.length > 0;
}
