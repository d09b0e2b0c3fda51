import type { Charge } from '../charge.ts';
import type { Statement } from './database/database.ts';
import { sql, write } from './database/sql.ts';
import { retryRead } from './retry.ts';
import { isId, type SharedStore } from './tenant-store.ts';

/**
 * Inserts the charge of a turn: in the batch that ends it, so that there is one exactly where there is an end. A charge that is
 * there already stays, since an attempt may have come through although its reply was lost.
 */
export function insertCharge(charge: Charge): Statement {
  const { tenant, response, at, user, project, key, model, kind, tokens, costs, stored } = charge;
  return write(sql`INSERT INTO charges (tenant, id, at, user_name, project, key_id, model, kind,
      input, cached, cache_write, output, reasoning, total, costs, stored)
    VALUES (${tenant}, ${response}, ${at}, ${user ?? ''}, ${project ?? ''}, ${key ?? ''}, ${isId(model) ? model : ''}, ${kind},
      ${tokens.input}, ${tokens.cached}, ${tokens.cacheWrite}, ${tokens.output}, ${tokens.reasoning}, ${tokens.total},
      ${JSON.stringify(costs)}, ${stored})
    ON CONFLICT (tenant, id) DO NOTHING`);
}

/** Writes the charge of a turn that stores nothing else, and tries again for a lease while the database is away. */
export async function writeCharge(
  { database, lease }: Pick<SharedStore, 'database' | 'lease'>,
  charge: Charge,
): Promise<void> {
  await retryRead(() => database.batch({ charge: insertCharge(charge) }), lease.duration);
}
