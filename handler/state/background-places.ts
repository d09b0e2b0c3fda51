import { afterUsersOf } from '../caller.ts';
import { Conflict, type Database } from './database/database.ts';
import { raw, read, type Sql, sql, write } from './database/sql.ts';
import { OPEN } from './process-lease.ts';
import { untilKnown } from './until-known.ts';

/** How long a place is kept for a background turn that is about to be stored, in milliseconds. */
const STORED_WITHIN_MS = 30_000;

/** Who asks for a background turn, where its rows will be, and the most that there may be of its caller's and its tenant's. */
export interface BackgroundPlace {
  readonly tenant: string;
  readonly caller: string;
  readonly partition: string;
  readonly id: string;
  readonly max: { readonly caller?: number | undefined; readonly tenant?: number | undefined };
}

/**
 * Takes a place for a background turn that is about to be stored, in one round trip: once it is, it counts until it has ended, whoever
 * makes it. Gives whose limit leaves none, or undefined. `database` is for all tenants.
 */
export async function takeBackgroundPlace(
  database: Database,
  place: BackgroundPlace,
): Promise<'caller' | 'tenant' | undefined> {
  const { tenant, partition, id, max } = place;
  const now = Date.now();
  const until = now + STORED_WITHIN_MS;
  const counts = {
    caller: sql`${stored(place, sql`AND j.caller = ${place.caller}`)} + ${aboutToBe(place, sql`AND m.name = ${nameOf(place)}`, now)}`,
    tenant: sql`${stored(place, raw(''))} + ${aboutToBe(place, sql`AND m.name >= 'background ' AND m.name < 'background!'`, now)}`,
  };
  const fits = (['caller', 'tenant'] as const).flatMap((scope) =>
    max[scope] === undefined ? [] : [sql`${counts[scope]} < ${max[scope]}`],
  );
  try {
    await untilKnown<unknown>(
      () =>
        database.batch({
          // First, since it locks the row: of processes that ask at once each counts what the one before has got.
          locked:
            write(sql`INSERT INTO allowances (tenant, name, starts, ends, used) VALUES (${tenant}, 'background', 0, ${until}, 0)
            ON CONFLICT (tenant, name, starts) DO UPDATE SET ends = excluded.ends`),
          // Without room it is undone.
          taken: write(sql`INSERT INTO reservations (tenant, name, starts, owner, amount, until)
            SELECT CAST(${partition} AS text), CAST(${nameOf(place)} AS text), 0, CAST(${id} AS text),
              CASE WHEN ${fits.reduce((a, b) => sql`${a} AND ${b}`)} THEN 1 END, CAST(${until} AS bigint)`),
        }),
      // The first attempt took it: nobody else has the id.
      async () => (await isTaken(database, place)) || undefined,
    );
    return undefined;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
  }
  const { found } = await database.batch({ found: read(sql`SELECT ${counts.caller} AS caller`) });
  return max.caller !== undefined && Number(found[0]?.caller) >= max.caller ? 'caller' : 'tenant';
}

/** Gives back the place of a turn that was not stored. */
export async function leaveBackgroundPlace(database: Database, place: BackgroundPlace): Promise<void> {
  await database.batch({
    left: write(sql`DELETE FROM reservations
      WHERE tenant = ${place.partition} AND name = ${nameOf(place)} AND starts = 0 AND owner = ${place.id}`),
  });
}

async function isTaken(database: Database, place: BackgroundPlace): Promise<boolean> {
  const { found } = await database.batch({
    found: read(sql`SELECT r.amount FROM reservations r
      WHERE r.tenant = ${place.partition} AND r.name = ${nameOf(place)} AND r.starts = 0 AND r.owner = ${place.id}`),
  });
  return found.length > 0;
}

/** Callers of one name are of one tenant, and of one partition of it. */
function nameOf({ caller }: BackgroundPlace): string {
  return `background ${caller}`;
}

/** Background turns of a tenant, users and all, that are stored and have not ended. */
function stored({ tenant }: BackgroundPlace, whose: Sql): Sql {
  return sql`(SELECT count(*) FROM jobs j JOIN responses r ON r.tenant = j.tenant AND r.id = j.response
    WHERE j.tenant >= ${tenant} AND j.tenant < ${afterUsersOf(tenant)} AND ${OPEN} ${whose})`;
}

/** Those that are about to be stored. */
function aboutToBe({ tenant }: BackgroundPlace, whose: Sql, now: number): Sql {
  return sql`(SELECT count(*) FROM reservations m WHERE m.tenant >= ${tenant} AND m.tenant < ${afterUsersOf(tenant)}
    ${whose} AND m.starts = 0 AND m.until > ${now}
    AND NOT EXISTS (SELECT 1 FROM responses r WHERE r.tenant = m.tenant AND r.id = m.owner))`;
}
