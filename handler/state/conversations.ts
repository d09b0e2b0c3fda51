import { newId, timeOf } from '../ids.ts';
import type { Item } from '../items/item.ts';
import type { Conversation } from '../protocol/conversation.ts';
import type { Row, Statement } from './database/database.ts';
import { confidential, read, type Sql, sql, write } from './database/sql.ts';
import { insertItems } from './items.ts';
import { insertMetadata, removeMetadata } from './metadata.ts';
import { refuseFull } from './storage.ts';
import { isId, notFound, type TenantStore } from './tenant-store.ts';
import { untilKnown } from './until-known.ts';

type Metadata = Conversation['metadata'];

/** Creates a conversation with these first items; throws `storage_full` when there is no room. */
export async function createConversation(store: TenantStore, metadata: Metadata, items: Item[]): Promise<Conversation> {
  await refuseFull(store);
  const { database, tenant, user, requestId } = store;
  const id = newId('conv');
  const created_at = Math.floor(timeOf(id) / 1000);
  const batch = {
    conversation:
      write(sql`INSERT INTO conversations (tenant, id, created_at, used_at, metadata, next_place, made_by, request, listed)
      VALUES (${tenant}, ${id}, ${created_at}, ${Date.now()}, ${confidential(tenant, JSON.stringify(metadata))}, ${items.length},
        ${user ?? null}, ${requestId ?? null}, 1)`),
    metadata: insertMetadata(tenant, id, metadata),
    items: insertItems({ tenant, owner: id, kind: 'added', position: 0, items, conversation: { id, next: 0 } }),
  };
  const created: Conversation = { id, object: 'conversation', created_at, metadata };
  await untilKnown(
    () => database.batch(batch).then(() => created),
    () => getConversation(store, id),
  );
  await store.storedBytes?.count(tenant, batch.items);
  return created;
}

/** SQL condition: the row of a conversation that was not deleted. */
export function present(tenant: string, id: string): Sql {
  return sql`tenant = ${tenant} AND id = ${id} AND deleted_at IS NULL`;
}

/** Selects a conversation that was not deleted, for `conversationOf`. */
export function selectConversation(tenant: string, id: string): Statement {
  return read(sql`SELECT id, created_at, metadata FROM conversations WHERE ${present(tenant, id)}`);
}

/** Reads a conversation; throws 404. */
export async function getConversation({ database, tenant }: TenantStore, id: string): Promise<Conversation> {
  if (!isId(id)) throw notFound('conversation');
  const { found } = await database.batch({
    found: selectConversation(tenant, id),
  });
  return conversationOf(found[0]);
}

/** Replaces the metadata of a conversation; throws 404. */
export async function updateConversation(store: TenantStore, id: string, metadata: Metadata): Promise<Conversation> {
  const { database, tenant } = store;
  if (!isId(id)) throw notFound('conversation');
  const batch = {
    updated:
      write(sql`UPDATE conversations SET metadata = ${confidential(tenant, JSON.stringify(metadata))}, used_at = ${Date.now()},
        listed = 1
      WHERE ${present(tenant, id)} RETURNING id, created_at, metadata`),
    removed: removeMetadata(tenant, id),
    inserted: insertMetadata(
      tenant,
      id,
      metadata,
      sql`EXISTS (SELECT 1 FROM conversations WHERE ${present(tenant, id)})`,
    ),
  };
  const { updated } = await untilKnown(() => database.batch(batch));
  return conversationOf(updated[0]);
}

/** Deletes a conversation for its users; its items stay while responses build on them. Throws 404. */
export async function deleteConversation({ database, tenant }: TenantStore, id: string): Promise<void> {
  if (!isId(id)) throw notFound('conversation');
  const now = Date.now();
  const { deleted } = await untilKnown((again) =>
    database.batch({
      deleted: write(sql`UPDATE conversations SET deleted_at = ${now}
        WHERE tenant = ${tenant} AND id = ${id} AND (deleted_at IS NULL OR deleted_at = ${again ? now : null}) RETURNING id`),
    }),
  );
  if (deleted.length === 0) throw notFound('conversation');
}

/** Parses a row with `id`, `created_at` and `metadata`; throws 404 when there is none. */
export function conversationOf(row: Row | undefined): Conversation {
  if (!row) throw notFound('conversation');
  const { id, created_at, metadata } = row;
  const pairs = JSON.parse(String(metadata)) as Metadata; // as createConversation and updateConversation wrote it
  return { id: String(id), object: 'conversation', created_at: Number(created_at), metadata: pairs };
}
