import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import { fixedLimits } from '../limits.ts';
import { type Bounded, maxReadable, parseItems, refuseTooLarge, selectBounded } from './bounded.ts';
import type { Row, Statement } from './database/database.ts';
import { read, type Sql, sql } from './database/sql.ts';
import { isOpen, OPEN, OWNER_BEAT } from './process-lease.ts';
import { isId, notFound, type TenantStore } from './tenant-store.ts';
import { bytesOf, ITEM_CHUNKS } from './text.ts';

/** Where a turn continues: a response, a conversation, or nothing. */
export interface TurnOrigin {
  previous: string | null;
  /** Where the chain of responses left a conversation, if it began in one. */
  chainStart: ConversationPosition | null;
  /** The conversation of the turn, and whether a compaction hides its older items. */
  conversation: (ConversationPosition & { isCompacted: boolean }) | null;
}

/** The stored history of a turn. */
export interface StoredHistory extends TurnOrigin {
  /** Items of the history, oldest first. */
  items: readonly Item[];
  /** The characters of their texts, if they are all of a chain. */
  size?: number;
}

/** A conversation, and the position of its next item at some time. */
export interface ConversationPosition {
  id: string;
  base: number;
}

/** The history that a request refers to. */
export interface HistoryReference {
  previous_response_id?: string | null | undefined;
  conversation?: string | { id: string } | null | undefined;
}

/**
 * Reads the history that a request refers to, in one round trip at most. Throws an ApiError: 404 for an unknown conversation,
 * `conversation_locked`, `previous_response_not_found`, `previous_response_not_usable`, `context_length_exceeded` for a
 * history beyond the limit, `overloaded` where there is no memory for it, and for both references at once.
 */
export async function readHistory(store: TenantStore, request: HistoryReference): Promise<StoredHistory> {
  const { previous_response_id: previous, conversation } = request;
  if (previous != null && conversation != null) {
    const message = 'previous_response_id and conversation cannot be used together';
    throw new ApiError('refused', message, {
      param: 'previous_response_id',
      finer: 'mutually_exclusive_parameters',
    });
  }
  if (previous != null) return readChain(store, previous);
  if (conversation == null) return { items: [], previous: null, chainStart: null, conversation: null };
  return readConversation(store, typeof conversation === 'string' ? conversation : conversation.id);
}

/**
 * Queries of the history of a chain that ends with `last`: the items of the conversation where the chain of `id` left it, and
 * the items of the chain, both from the latest compaction on. CROSS JOIN makes SQLite read the chain first; else it would
 * read all items of the tenant.
 */
function historyQueries(tenant: string, id: string, last: string | null): { beginning: Bounded; chain: Bounded } {
  const ancestors = sql`WITH RECURSIVE chain (id, parent, depth, compacted) AS (
      SELECT id, parent, 0, compacted FROM responses WHERE tenant = ${tenant} AND id = ${last}
      UNION ALL
      SELECT r.id, r.parent, c.depth + 1, r.compacted FROM chain c CROSS JOIN responses r
      WHERE r.tenant = ${tenant} AND r.id = c.parent AND c.compacted = 0
    )`;
  const beginning = sql`FROM responses r CROSS JOIN conversations v CROSS JOIN items i ${ITEM_CHUNKS}
    WHERE r.tenant = ${tenant} AND r.id = ${id} AND v.tenant = r.tenant AND v.id = r.conversation
      AND i.tenant = ${tenant} AND i.conversation = r.conversation AND i.conversation_place < r.base
      AND i.conversation_place >= CASE WHEN EXISTS (SELECT 1 FROM chain c WHERE c.compacted = 1) THEN r.base
        WHEN v.start_place <= r.base THEN v.start_place ELSE 0 END`;
  const items = sql`FROM chain c CROSS JOIN items i ${ITEM_CHUNKS} WHERE i.tenant = ${tenant} AND i.holder = c.id`;
  return {
    beginning: { with: ancestors, from: beginning, order: sql`i.conversation_place, k.n` },
    chain: { with: ancestors, from: items, order: sql`c.depth DESC, i.side, i.place, k.n` },
  };
}

async function readChain(store: TenantStore, id: string): Promise<StoredHistory> {
  if (!isId(id)) throw previousNotFound();
  const cached = await readCached(store, id);
  if (cached) return cached;
  const { database, tenant } = store;
  const maxBytes = maxReadable(store);
  const lists = historyQueries(tenant, id, id);
  const { found, beginning, chain } = await database.batch({
    found: lastOfChain(tenant, id),
    beginning: selectBounded(lists.beginning, maxBytes),
    chain: selectBounded(lists.chain, maxBytes),
  });
  const last = await usable(store, found[0]);
  if (!last) return readChain(store, id);
  const { chainStart } = last;
  if (chain.length === 0 || (chainStart && chainStart.base > 0 && beginning.length === 0)) {
    await refuseTooLarge(store, [lists.beginning, lists.chain], maxBytes, 'previous_response_id');
  }
  const items = parseItems(store, [...beginning, ...chain], 'previous_response_id');
  return { items, previous: id, chainStart, conversation: null, ...(!chainStart && { size: bytesOf(chain) }) };
}

/** Bytes of a character in UTF-8 at most: the limit is of bytes, and a cached history knows its characters. */
const MAX_UNIT_BYTES = 3;

/** The same from the cache, if it is there and its response may still be continued. */
async function readCached(store: TenantStore, id: string): Promise<StoredHistory | undefined> {
  const { database, tenant, histories, memory } = store;
  const cached = histories.get(tenant, id);
  if (!cached || MAX_UNIT_BYTES * cached.size > maxReadable(store)) return undefined;
  if (cached.items.length > fixedLimits.historyItems) return undefined;
  const { found } = await database.batch({ found: lastOfChain(tenant, id) });
  if (!found[0]) histories.delete(tenant, id);
  else if (histories.get(tenant, id) !== cached) return undefined; // the key of the tenant was dropped meanwhile
  if (!(await usable(store, found[0]))) return undefined;
  memory.takeParsed(cached.size);
  return { ...cached, previous: id, chainStart: null, conversation: null };
}

/** Selects the response that a chain continues. */
function lastOfChain(tenant: string, id: string): Statement {
  return read(sql`SELECT r.conversation, r.base, r.status, ${OWNER_BEAT}
    FROM responses r WHERE r.tenant = ${tenant} AND r.id = ${id} AND r.expires_at > ${Date.now()}`);
}

/** Where the chain of such a row began; undefined if the row has to be read again. Throws an ApiError if it cannot be continued. */
async function usable(
  { database, lease }: TenantStore,
  row: Row | undefined,
): Promise<Pick<TurnOrigin, 'chainStart'> | undefined> {
  if (!row) throw previousNotFound();
  if (await lease.endIfDead(database, row)) return undefined;
  const { status } = row;
  if (status !== 'completed' && status !== 'incomplete') {
    const message = `The response that previous_response_id names is ${status}; only a completed or incomplete one can be continued.`;
    throw new ApiError('previous_not_usable', message, { param: 'previous_response_id' });
  }
  return { chainStart: row.conversation === null ? null : { id: String(row.conversation), base: Number(row.base) } };
}

/**
 * Reads the history of a stored response again: `parent` is the response before it, `chainStart` where its chain left a
 * conversation. One round trip; throws an ApiError when it is too large.
 */
export async function rereadHistory(
  store: TenantStore,
  id: string,
  { parent, chainStart }: { parent: string | null; chainStart: ConversationPosition | null },
): Promise<Item[]> {
  const { database, tenant } = store;
  const lists = historyQueries(tenant, id, parent);
  const maxBytes = maxReadable(store);
  const param = parent === null ? 'conversation' : 'previous_response_id';
  const { beginning, chain } = await database.batch({
    beginning: selectBounded(lists.beginning, maxBytes),
    chain: selectBounded(lists.chain, maxBytes),
  });
  if ((parent !== null && chain.length === 0) || (chainStart && chainStart.base > 0 && beginning.length === 0)) {
    await refuseTooLarge(store, [lists.beginning, lists.chain], maxBytes, param);
  }
  return parseItems(store, [...beginning, ...chain], param);
}

async function readConversation(store: TenantStore, id: string): Promise<StoredHistory> {
  const { database, tenant, lease } = store;
  if (!isId(id)) throw notFound('conversation', 'conversation');
  const maxBytes = maxReadable(store);
  const stored: Bounded = {
    from: sql`FROM conversations c CROSS JOIN items i ${ITEM_CHUNKS} WHERE c.tenant = ${tenant} AND c.id = ${id}
      AND i.tenant = ${tenant} AND i.conversation = c.id AND i.conversation_place >= c.start_place`,
    order: sql`i.conversation_place, k.n`,
  };
  const {
    found: [found],
    rows,
  } = await database.batch({
    found: read(sql`SELECT c.next_place, c.start_place, r.status, ${OWNER_BEAT} ${withTurn(tenant, id)}`),
    rows: selectBounded(stored, maxBytes),
  });
  if (!found) throw notFound('conversation', 'conversation');
  if (await lease.endIfDead(database, found)) return readConversation(store, id);
  if (isOpen(found.status)) throw conversationLocked();
  const conversation = { id, base: Number(found.next_place), isCompacted: Number(found.start_place) > 0 };
  if (conversation.base > 0 && rows.length === 0) await refuseTooLarge(store, [stored], maxBytes, 'conversation');
  return { items: parseItems(store, rows, 'conversation'), previous: null, chainStart: null, conversation };
}

/** Selects the conversation `c`, unless it was deleted, with its latest turn as the response `r`. */
export function withTurn(tenant: string, id: string): Sql {
  return sql`FROM conversations c LEFT JOIN responses r ON r.tenant = c.tenant AND r.id = c.turn
    WHERE c.tenant = ${tenant} AND c.id = ${id} AND c.deleted_at IS NULL`;
}

/** Whether a turn runs in the conversation `c`. */
export const LOCKED = sql`EXISTS (SELECT 1 FROM responses r WHERE r.tenant = c.tenant AND r.id = c.turn AND ${OPEN})`;

/** 400: another turn runs in the conversation, or has just written to it. */
export function conversationLocked(): ApiError {
  const message = 'Another turn is being made in this conversation; try again when it has ended.';
  return new ApiError('conversation_locked', message, { param: 'conversation' });
}

/** 400: previous_response_id names no response of this tenant. */
export function previousNotFound(): ApiError {
  const message =
    'The response that previous_response_id names was not found: it was deleted, has expired (`retention` in the configuration), or was made with store: false.';
  return new ApiError('previous_not_found', message, { param: 'previous_response_id' });
}
