import type { Database, Row, Value } from '../state/database/database.ts';
import { confidential, list, raw, read, type Sql, sql, write } from '../state/database/sql.ts';

/** The columns that hold what clients send and get, with the keys of their tables behind the tenant. */
const tables = [
  { name: 'responses', key: ['id'], columns: ['body'] },
  { name: 'conversations', key: ['id'], columns: ['metadata'] },
  { name: 'items', key: ['holder', 'side', 'place'], columns: ['body'] },
  { name: 'chunks', key: ['holder', 'side', 'place', 'n'], columns: ['body'] },
  { name: 'events', key: ['response', 'n'], columns: ['body'] },
  { name: 'jobs', key: ['response'], columns: ['body', 'progress', 'asked'] },
  { name: 'deliveries', key: ['id', 'url'], columns: ['asked'] },
] as const;

/** Rows of one slice: their texts are in memory, each of some 170,000 characters at most. */
const SLICE_ROWS = 100;

/**
 * Encrypts what was stored before a database was encrypted, beside servers that use it: in slices with pauses as long as they took. `database`
 * is for all tenants and gives what is stored, `encrypting` writes to the same one. Returns how many texts there were.
 */
export async function encryptPlain(database: Database, encrypting: Database): Promise<number> {
  let count = 0;
  for (const { name, key, columns } of tables) {
    const keys = ['tenant', ...key];
    for (let after: Row | undefined, more = true; more; ) {
      const started = performance.now();
      const { rows }: { rows: readonly Row[] } = await database.batch({
        rows: read(sql`SELECT ${raw(keys.map((column) => `t.${column}`).join(', '))}, ${raw(columns.map(plainOf).join(', '))}
          FROM ${raw(name)} t ${after ? sql`WHERE (${raw(keys.map((column) => `t.${column}`).join(', '))}) > (${valuesOf(after, keys)})` : raw('')}
          ORDER BY ${raw(keys.map((column) => `t.${column}`).join(', '))} LIMIT ${raw(SLICE_ROWS)}`),
      });
      const updates = rows.flatMap((row) =>
        columns.flatMap((column) => {
          const text = row[column];
          if (typeof text !== 'string') return [];
          // As it was read: what has been written meanwhile is encrypted already.
          return write(sql`UPDATE ${raw(name)} SET ${raw(column)} = ${confidential(String(row.tenant), text)}
            WHERE (${raw(keys.join(', '))}) = (${valuesOf(row, keys)}) AND ${raw(column)} = ${text}`);
        }),
      );
      if (updates.length > 0) await encrypting.batch({ updates });
      count += updates.length;
      after = rows.at(-1);
      more = rows.length === SLICE_ROWS;
      await new Promise((resolve) => setTimeout(resolve, performance.now() - started));
    }
  }
  return count;
}

/** A column, where its text is not encrypted: that would begin with a control character, which no piece of JSON does. */
function plainOf(column: string): string {
  return `CASE WHEN t.${column} >= ' ' THEN t.${column} END AS ${column}`;
}

function valuesOf(row: Row, columns: readonly string[]): Sql {
  return list(columns.map((column): Value => row[column] ?? null));
}
