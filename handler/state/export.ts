import { userOf } from '../caller.ts';
import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import { MemoryBudget } from '../memory-budget.ts';
import type { ItemList } from '../protocol/list.ts';
import { listItems } from './conversation-items.ts';
import type { Database } from './database/database.ts';
import { isUnreadable } from './encryption.ts';
import { HistoryCache } from './history-cache.ts';
import { listConversations, listResponses } from './lists.ts';
import type { ProcessLease } from './process-lease.ts';
import { listInputItems } from './responses.ts';
import { databaseOf, type SharedStore, type TenantStore } from './tenant-store.ts';
import { partitionsOf } from './tenants.ts';

/** Bytes that are read at once, unless one object alone has more. */
const PAGE_BYTES = 4 * 1024 * 1024;

const PAGE = { limit: 100, order: 'asc', metadata: {} } as const;

/**
 * All that a tenant and its users have, as lines of JSON, oldest first: a response with its `input` in a line of its own, then
 * conversations, each followed by its items. What was deleted or has expired is not among it, nor what cannot be read. It holds a page at a time, or one
 * response, if that is larger; `memory` is the most bytes that it may hold.
 */
export async function* exportTenant(
  shared: Pick<SharedStore, 'database' | 'encryption'>,
  lease: ProcessLease,
  tenant: string,
  memory: number,
): AsyncGenerator<string> {
  for await (const partition of partitionsOf(shared.database, tenant)) {
    const open = openPartition(databaseOf(shared, partition), lease, partition, memory);
    const user = userOf(partition);
    const whose = { tenant, ...(user !== undefined && { user }) };
    for await (const response of pages((after) => open((store) => listResponses(store, { ...PAGE, after })))) {
      const input: Item[] = [];
      const ofResponse = (after?: string) => open((store) => listInputItems(store, response.id, { ...PAGE, after }));
      try {
        for await (const item of pages(ofResponse)) input.push(item);
      } catch (error) {
        if (error instanceof ApiError && error.kind === 'not_found') continue; // it was deleted a moment ago
        if (isUnreadable(error)) continue;
        throw error;
      }
      yield lineOf({ ...whose, response, input });
    }
    for await (const conversation of pages((after) => open((store) => listConversations(store, { ...PAGE, after })))) {
      yield lineOf({ ...whose, conversation });
      const { id } = conversation;
      try {
        for await (const item of pages((after) => open((store) => listItems(store, id, { ...PAGE, after })))) {
          yield lineOf({ ...whose, conversation_id: id, item });
        }
      } catch (error) {
        if (!isUnreadable(error)) throw error;
      }
    }
  }
}

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

type Pages<T> = Omit<ItemList, 'data'> & { data: T[] };

/** The objects of a list, page by page. */
async function* pages<T>(read: (after: string | undefined) => Promise<Pages<T>>): AsyncGenerator<T> {
  for (let after: string | undefined; ; ) {
    const { data, has_more, last_id } = await read(after);
    yield* data;
    if (!has_more || last_id === null) return;
    after = last_id;
  }
}

/** Reads in the store of a partition, and gives the memory back that it took. */
function openPartition(database: Database, lease: ProcessLease, tenant: string, bytes: number) {
  const budget = new MemoryBudget(bytes);
  const histories = new HistoryCache(budget);
  return async <T>(read: (store: TenantStore) => Promise<T>): Promise<T> => {
    const memory = budget.open();
    try {
      return await read({
        ...{ database, lease, tenant, memory, histories, lastWrite: { failed: false }, webhooks: [] },
        ...{ retention: 0, logRetention: 0, stored: Number.POSITIVE_INFINITY, history: PAGE_BYTES },
      });
    } finally {
      memory.close();
    }
  };
}
