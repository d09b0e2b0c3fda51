import type { Database, Statement } from '../database/database.ts';
import { ApiError } from '../errors.ts';
import { fixedLimits } from '../limits.ts';
import { SIZE } from './text.ts';

/** Items that are read only if they are not too many: `with` comes before the SELECT, `from` knows items as `i`, with ITEM_CHUNKS. */
export interface Bounded {
  with?: Statement;
  from: Statement;
  order: string;
}

/**
 * Reads the items, for `itemsOf`, unless they come to more than `most` bytes, or in more pieces than `fixedLimits` admit: then
 * none, and `refuseTooLarge` is to be asked.
 */
export function selectBounded({ with: before, from, order }: Bounded, most: number): Statement {
  return {
    sql: `${before?.sql ?? ''} SELECT i.body, k.n, k.body AS more ${from.sql}
      AND (SELECT CASE WHEN count(*) <= ${fixedLimits.historyItems} THEN sum(${SIZE}) END ${from.sql}) <= ? ORDER BY ${order}`,
    values: [...(before?.values ?? []), ...from.values, ...from.values, most],
  };
}

/** Throws an ApiError, naming `param`, when a list of which nothing was read is too large. */
export async function refuseTooLarge(
  database: Database,
  lists: readonly Bounded[],
  most: number,
  param: string,
): Promise<void> {
  const sizes = await database.batch(
    lists.map(({ with: before, from }) => ({
      sql: `${before?.sql ?? ''} SELECT sum(${SIZE}) AS size, count(*) AS pieces ${from.sql}`,
      values: [...(before?.values ?? []), ...from.values],
    })),
  );
  if (!sizes.some(([row]) => Number(row?.size) > most || Number(row?.pieces) > fixedLimits.historyItems)) return;
  const message = `What was said before and ${param} names is larger than this server reads at once; it cannot be gone on from.`;
  throw new ApiError('context_length', message, { param });
}
