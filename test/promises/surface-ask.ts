import assert from 'node:assert/strict';
import { wrong } from '../coverage/beyond.ts';
import { rowsOf } from '../coverage/rows-of.ts';
import { rowsShownBy } from '../coverage/table.ts';
import type { Door } from '../support/doors/door.ts';
import type { PromiseId } from './promise.ts';
import { have, type Item, type List } from './state-ask.ts';

/** Asserts that values match an official type: nothing missing, nothing more, nothing of another type. */
export function fits(type: string, ...values: unknown[]): void {
  for (const value of values) assert.deepEqual(wrong(type, value), [], JSON.stringify(value)?.slice(0, 300));
}

/** Asserts that values, by their group, show every row that the tables list for this promise. */
export function showsRows(id: PromiseId, seen: readonly [group: string, values: readonly unknown[]][]): void {
  const rows = new Set(seen.flatMap(([group, values]) => values.flatMap((value) => [...rowsOf(group, value)])));
  assert.deepEqual(
    rowsShownBy(id).filter((row) => !rows.has(row)),
    [],
  );
}

/** Every item of a list, oldest first. */
export async function listAll(door: Door, path: string): Promise<Item[]> {
  const items: Item[] = [];
  for (;;) {
    const after = items.length > 0 ? `&after=${items.at(-1)?.id}` : '';
    const page = await have<List>(door, 'GET', `${path}?order=asc&limit=100${after}`);
    items.push(...page.data);
    if (!page.has_more) return items;
  }
}
