import type { PromiseId } from '../promises/promise.ts';
import type { Entry } from './entry.ts';
import type { TopicId } from './not-supported.ts';
import { eventRows } from './rows-events.ts';
import { inputTokensRows } from './rows-input-tokens.ts';
import { itemRows } from './rows-items.ts';
import { outputRows } from './rows-output.ts';
import { parameterRows } from './rows-parameters.ts';
import { replyRows } from './rows-replies.ts';
import { toolRows } from './rows-tools.ts';
import { websocketRows } from './rows-websocket.ts';
import { surfaceRows } from './surface.ts';

/** Where a row stands: the promises that show it, the topics that it is not supported under, or what it still lacks. */
export interface Place {
  by: Set<PromiseId>;
  not: Set<TopicId>;
  lacks: Set<string>;
}

/** Where each row stands that the tables name, by `group name`; a row that the types do not declare is there as well. */
export const placed: ReadonlyMap<string, Place> = place([
  ...parameterRows,
  ...toolRows,
  ...itemRows,
  ...outputRows,
  ...eventRows,
  ...replyRows,
  ...inputTokensRows,
  ...websocketRows,
]);

/** What a `*` stands for are the rows that no table names. */
function place(entries: readonly Entry[]): Map<string, Place> {
  const found = new Map<string, Place>();
  const known = surfaceRows().map(({ group, name }) => `${group} ${name}`);
  const named = entries.flatMap((entry) => entry.rows.map(({ group, name }) => ({ row: `${group} ${name}`, entry })));
  for (const { row, entry } of named.filter(({ row }) => !row.endsWith('*'))) put(found, row, entry);
  const rest = known.filter((row) => !found.has(row));
  for (const { row, entry } of named.filter(({ row }) => row.endsWith('*'))) {
    for (const one of rest.filter((other) => beginsWith(other, row.slice(0, -1)))) put(found, one, entry);
  }
  return found;
}

function put(found: Map<string, Place>, row: string, entry: Entry): void {
  const at = found.get(row) ?? { by: new Set(), not: new Set(), lacks: new Set() };
  found.set(row, at);
  if ('not' in entry) at.not.add(entry.not);
  else if ('lacks' in entry) at.lacks.add(entry.lacks);
  else for (const id of entry.by) at.by.add(id);
}

/** Whether a row is another one, or of something inside it. */
function beginsWith(row: string, start: string): boolean {
  return row.startsWith(start) && (start.endsWith(' ') || /^($|[.:=])/.test(row.slice(start.length)));
}

/** The rows that a promise shows, by `group name`. */
export function rowsShownBy(id: PromiseId): string[] {
  return [...placed].filter(([, { by }]) => by.has(id)).map(([row]) => row);
}
