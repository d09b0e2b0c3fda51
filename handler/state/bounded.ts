import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import { fixedLimits } from '../limits.ts';
import { neverFits, overloaded } from '../memory-budget.ts';
import type { Row, Statement } from './database/database.ts';
import { raw, read, type Sql, sql } from './database/sql.ts';
import { itemsOf } from './items.ts';
import type { TenantStore } from './tenant-store.ts';
import { bytesOf, ROW_SIZE } from './text.ts';

/** Items that are read only if they are not too many: `with` comes before the SELECT, `from` knows items as `i`, with ITEM_CHUNKS. */
export interface Bounded {
  with?: Sql;
  from: Sql;
  order: Sql;
}

const EMPTY = raw('');
const MAX_ITEMS = raw(fixedLimits.historyItems);

/** The most that is to be read now, in bytes: the limit of a history, or less where the process has no room for that. */
export function maxReadable({ history, memory }: TenantStore): number {
  return Math.min(history, memory.parsable);
}

/**
 * The items of rows that a query read, with ITEM_CHUNKS, once there is room for them; throws an ApiError: `overloaded`, or,
 * naming `param`, for what there could never be room for.
 */
export function parseItems({ memory }: TenantStore, rows: readonly Row[], param: string): Item[] {
  const bytes = bytesOf(rows);
  if (neverFits(memory.budget, bytes)) throw tooLargeToRead(param);
  memory.takeParsed(bytes);
  return itemsOf(rows);
}

/**
 * Reads the items, for `parseItems`, unless they come to more than `maxBytes` bytes, or in more pieces than `fixedLimits` admit: then
 * none, and `refuseTooLarge` is to be asked.
 */
export function selectBounded({ with: before = EMPTY, from, order }: Bounded, maxBytes: number): Statement {
  return read(sql`${before} SELECT i.body, k.n, k.body AS more ${from}
    AND (SELECT CASE WHEN count(*) <= ${MAX_ITEMS} THEN sum(${ROW_SIZE}) END ${from}) <= ${maxBytes} ORDER BY ${order}`);
}

/**
 * Throws an ApiError, naming `param`, when a list of which nothing was read is too large: to be ever read, or for the
 * `maxBytes` bytes that there was room for.
 */
export async function refuseTooLarge(
  { database, history, memory }: TenantStore,
  lists: readonly Bounded[],
  maxBytes: number,
  param: string,
): Promise<void> {
  const { sizes } = await database.batch({
    sizes: lists.map(({ with: before = EMPTY, from }) =>
      read(sql`${before} SELECT sum(${ROW_SIZE}) AS size, count(*) AS pieces ${from}`),
    ),
  });
  const largest = Math.max(...sizes.map(({ size }) => Number(size ?? 0)));
  const tooMany = sizes.some(({ pieces }) => Number(pieces) > fixedLimits.historyItems);
  if (largest <= maxBytes && !tooMany) return;
  if (!tooMany && maxBytes < history && largest <= history && !neverFits(memory.budget, largest)) throw overloaded();
  throw tooLargeToRead(param);
}

function tooLargeToRead(param: string): ApiError {
  const message = `What was said before and ${param} names is larger than this server reads at once; it cannot be gone on from.`;
  return new ApiError('context_length', message, { param });
}
