import { afterUsersOf, tenantOf } from '../caller.ts';
import { ApiError } from '../errors.ts';
import { fixedLimits } from '../limits.ts';
import { log } from '../log.ts';
import { Conflict, type Database, type Statement } from '../state/database/database.ts';
import { read, type Sql, sql, write } from '../state/database/sql.ts';
import { addStored, type StoredBytes, type StoredLimit } from '../state/stored-bytes.ts';
import { measureTenants, type TenantSize, TooManyRows } from '../state/tenants.ts';
import { charactersOf } from '../state/text.ts';

/** Counts what tenants with a limit have stored. */
export class TenantBytes implements StoredBytes {
  readonly #database: Database;
  readonly #known = new Map<string, { bytes: number; at: number }>();
  readonly #limit: StoredLimit;
  readonly #slices: number;

  /** `database` is for all tenants. `slices` are those of one measurement at most. Default: any number. */
  constructor(database: Database, limit: StoredLimit, slices = Number.POSITIVE_INFINITY) {
    this.#database = database;
    this.#limit = limit;
    this.#slices = slices;
  }

  refuseFull(partition: string): Promise<void> | undefined {
    const tenant = tenantOf(partition);
    const limit = this.#limit(tenant);
    if (limit === undefined) return undefined;
    const known = this.#known.get(tenant);
    if (!known || performance.now() - known.at >= fixedLimits.storedBytesKnown) return this.#read(tenant, limit);
    if (known.bytes >= limit) throw tenantFull();
    return undefined;
  }

  add(partition: string, bytes: number): void {
    const known = this.#known.get(tenantOf(partition));
    if (known) known.bytes += bytes;
  }

  async count(partition: string, statements: readonly Statement[]): Promise<void> {
    const tenant = tenantOf(partition);
    if (this.#limit(tenant) === undefined) return;
    const bytes = charactersOf(statements);
    this.add(partition, bytes);
    await this.#database.batch({ added: addStored(new Map([[tenant, bytes]])) }).catch(() => {});
  }

  measure(now: number): Promise<boolean> {
    return measureStored(this.#database, now, this.#limit, this.#slices);
  }

  async #read(tenant: string, limit: number): Promise<void> {
    const { rows, charged } = await this.#database.batch({
      rows: read(sql`SELECT s.bytes FROM stored_bytes s WHERE s.tenant = ${tenant}`),
      charged: read(sql`SELECT ${notAddedUp(tenant)} AS bytes`),
    });
    const [row] = rows;
    // The next sweep measures it.
    if (!row) await this.#database.batch({ begun: begin(tenant) });
    const bytes = Number(row?.bytes ?? 0) + Number(charged[0]?.bytes);
    this.#forgetOldest();
    this.#known.delete(tenant); // to stand among the last again
    this.#known.set(tenant, { bytes, at: performance.now() });
    if (bytes >= limit) throw tenantFull();
  }

  #forgetOldest(): void {
    for (const oldest of this.#known.keys()) {
      if (this.#known.size < fixedLimits.storedBytesTenants) return;
      this.#known.delete(oldest);
    }
  }
}

const begin = (tenant: string) =>
  write(
    sql`INSERT INTO stored_bytes (tenant, bytes, measure_at) VALUES (${tenant}, 0, 0) ON CONFLICT (tenant) DO NOTHING`,
  );

/** SQL: what charges have that were not added up yet. */
const notAddedUp = (tenant: string): Sql => sql`(SELECT coalesce(sum(c.stored), 0) FROM charges c
  WHERE c.remove_at = 0 AND c.tenant >= ${tenant} AND c.tenant < ${afterUsersOf(tenant)})`;

/** The part of its limit from which on a tenant is measured often, since what it has deleted makes room. */
const NEARLY_FULL = 0.9;

async function measureStored(database: Database, now: number, limit: StoredLimit, maxSlices: number): Promise<boolean> {
  const { due } = await database.batch({
    due: read(
      sql`SELECT s.tenant, s.measure_at FROM stored_bytes s WHERE s.measure_at <= ${now} ORDER BY s.measure_at LIMIT 1`,
    ),
  });
  const [row] = due;
  if (!row) return false;
  const tenant = String(row.tenant);
  const most = limit(tenant);
  try {
    await database.batch({
      claimed: write(sql`UPDATE stored_bytes
        SET measure_at = CASE WHEN measure_at = ${Number(row.measure_at)} THEN CAST(${now + fixedLimits.storedBytesPause} AS bigint) END
        WHERE tenant = ${tenant}`),
    });
  } catch (error) {
    if (error instanceof Conflict) return true; // another process measures it
    throw error;
  }
  if (most === undefined) {
    await database.batch({ gone: write(sql`DELETE FROM stored_bytes WHERE tenant = ${tenant}`) });
    return true;
  }
  const started = performance.now();
  let size: TenantSize | undefined;
  try {
    [size] = await measureTenants(database, tenant, maxSlices);
  } catch (error) {
    if (!(error instanceof TooManyRows)) throw error;
    log.warn('a tenant has too many rows to be measured here: what it deletes makes no room', { tenant });
    const next = now + fixedLimits.storedBytesLater;
    await database.batch({
      later: write(sql`UPDATE stored_bytes SET measure_at = ${next} WHERE tenant = ${tenant}`),
    });
    return true;
  }
  const took = performance.now() - started;
  const bytes = size?.bytes ?? 0;
  const pause =
    bytes >= most * NEARLY_FULL
      ? Math.max(fixedLimits.storedBytesSoon, 20 * took)
      : Math.max(fixedLimits.storedBytesPause, 100 * took);
  await database.batch({
    measured: write(sql`UPDATE stored_bytes
      SET bytes = CAST(${bytes} AS bigint) - ${notAddedUp(tenant)}, measure_at = ${Math.round(now + pause)}
      WHERE tenant = ${tenant}`),
  });
  return true;
}

function tenantFull(): ApiError {
  return new ApiError(
    'storage_full',
    'The tenant has as much stored as it may (`storedBytes` of `tenants` in the configuration). What is deleted or expires makes room within minutes. A response with store: false needs none.',
  );
}
