import { batchesOf } from './batches.ts';
import { list, read, sql } from './database/sql.ts';
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

/** What has an item: a response or a conversation, with the user who made it; undefined where that is not known. */
export interface ItemHolder {
  item: string;
  holder: string;
  owner: string | undefined;
}

/** The responses and conversations that have items of these ids. */
export async function holdersOf(
  { database, tenant }: Pick<TenantStore, 'database' | 'tenant'>,
  ids: readonly string[],
): Promise<ItemHolder[]> {
  const { rows } = await database.batch({
    rows: batchesOf(ids).map((some) =>
      read(sql`SELECT i.id AS item, r.id, r.made_by FROM items i CROSS JOIN responses r
          WHERE i.tenant = ${tenant} AND i.id IN (${list(some)}) AND r.tenant = i.tenant AND r.id = i.holder
        UNION SELECT i.id AS item, c.id, c.made_by FROM items i CROSS JOIN conversations c
          WHERE i.tenant = ${tenant} AND i.id IN (${list(some)}) AND c.tenant = i.tenant AND c.id = i.holder`),
    ),
  });
  return rows.map(({ item, id, made_by }) => ({
    item: String(item),
    holder: String(id),
    owner: typeof made_by === 'string' ? made_by : undefined,
  }));
}
