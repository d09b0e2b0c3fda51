import { ApiError } from '../errors.ts';
import type { Item } from '../items/item.ts';
import { fixedLimits } from '../limits.ts';
import { neverFits, overloaded } from '../memory-budget.ts';
import type { Row, Statement } from './database/database.ts';
import { raw, read, type Sql, sql } from './database/sql.ts';
import { itemsOf } from './items.ts';
import type { TenantStore } from './tenant-store.ts';
import { bytesOf, ROW_SIZE } from './text.ts';

/**
 * A query of items that is only run up to a size: `with` comes before the SELECT, `from` knows items as `i`, with
 * ITEM_CHUNKS.
 */
export interface Bounded {
  with?: Sql;
  from: Sql;
  order: Sql;
}

const EMPTY = raw('');
const MAX_ITEMS = raw(fixedLimits.historyItems);

/** Bytes that may be read now: the limit of a history, or less where the process has no memory for that. */
export function maxReadable({ history, memory }: TenantStore): number {
  return Math.min(history, memory.parsable);
}

/**
 * Parses the items of rows (with ITEM_CHUNKS) once there is memory for them; throws an ApiError: `overloaded`, or, naming
 * `param`, when there could never be enough.
 */
export function parseItems({ memory }: TenantStore, rows: readonly Row[], param: string): Item[] {
  const bytes = bytesOf(rows);
  if (neverFits(memory.budget, bytes)) throw tooLargeToRead(param);
  memory.takeParsed(bytes);
  return itemsOf(rows);
}

/**
 * Selects items for `parseItems`. Selects none if they exceed `maxBytes` or the pieces that `fixedLimits` admits: then call
 * `refuseTooLarge`.
 */
export function selectBounded({ with: before = EMPTY, from, order }: Bounded, maxBytes: number): Statement {
  return read(sql`${before} SELECT i.body, k.n, k.body AS more ${from}
    AND (SELECT CASE WHEN count(*) <= ${MAX_ITEMS} THEN sum(${ROW_SIZE}) END ${from}) <= ${maxBytes} ORDER BY ${order}`);
}

/**
 * Throws an ApiError, naming `param`, when a list came back empty because it is too large: ever, or for the `maxBytes` that
 * there was memory for.
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
  const message = `What was said before and ${param} names is larger than this server reads at once (\`limits.history\` in its configuration); it cannot be gone on from.`;
  return new ApiError('context_length', message, { param });
}
