import { statementsOf, withBatch } from './batch.ts';
import type { Database, Rows } from './database.ts';
import { lagging, raw, read, sql, write } from './sql.ts';

/** What stands between a tenant and a user in the name of a partition: no other name has a control character. */
export const SEPARATOR = '\u001f';

/** The name of the statement that is put before those of a batch. */
const NAME = 'tenant';

/** Writes after which statistics are gathered, as the driver does for itself: only the owner of a table may. */
const ANALYZE_AFTER = new Set([500, 5_000, 50_000]);

/**
 * One database by two roles: `whole` owns the tables, `tenants` is held to their policies, and finds nothing but what is of the partition that
 * a batch names first, in the same round trip.
 */
export function withTenants(whole: Database, tenants: Database): Database {
  let writes = 0;
  const of = (partition: string, users = false): Database => {
    const setting = lagging(
      read(
        sql`SELECT set_config('app.tenant', ${partition}, true), set_config('app.users_of', ${users ? partition + SEPARATOR : ''}, true)`,
      ),
    );
    const bound = withBatch(tenants, (inner) => async (batch) => {
      const { [NAME]: _, ...rows } = await inner.batch({ [NAME]: setting, ...batch });
      if (statementsOf(batch).some(({ kind }) => kind === 'write') && ANALYZE_AFTER.has(++writes))
        whole.batch({ analyze: write(raw('ANALYZE')) }).catch(() => {}); // it changes nothing but speed
      return rows as Rows<typeof batch>; // the same names without ours
    });
    return { ...bound, of };
  };
  return {
    ...whole,
    of,
    async close() {
      await Promise.all([tenants.close(), whole.close()]);
    },
  };
}
