import { read, sql } from './database/sql.ts';
import { isId, type TenantStore } from './tenant-store.ts';

/** The user who made a response or a conversation, deleted ones included for as long as their rows are there; undefined where that is not known. */
export async function ownerOf({ database, tenant }: Pick<TenantStore, 'database' | 'tenant'>, id: string) {
  if (!isId(id)) return undefined;
  const { rows } = await database.batch({
    rows: read(sql`SELECT made_by FROM responses WHERE tenant = ${tenant} AND id = ${id}
      UNION ALL SELECT made_by FROM conversations WHERE tenant = ${tenant} AND id = ${id}`),
  });
  const owner = rows[0]?.made_by;
  return typeof owner === 'string' ? owner : undefined;
}
