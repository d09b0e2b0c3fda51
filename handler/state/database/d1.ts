import { rowsByName, statementsOf } from './batch.ts';
import { Conflict, closedError, type Database, type Row, StorageFull } from './database.ts';

/** The part of a Cloudflare D1 binding that is used. */
export interface D1Binding {
  prepare(sql: string): D1Statement;
  batch(statements: D1Statement[]): Promise<{ results?: unknown[]; meta?: { size_after?: number } }[]>;
}

interface D1Statement {
  bind(...values: unknown[]): D1Statement;
}

/** A Database on Cloudflare D1, whose `batch` is a transaction. */
export function d1Database(binding: D1Binding): Database {
  let bytes: number | undefined;
  let closed = false;
  return {
    system: 'sqlite',
    async batch(statements) {
      if (closed) throw closedError();
      const bound = statementsOf(statements).map(({ text, values }) => binding.prepare(text).bind(...values));
      try {
        const results = await binding.batch(bound);
        bytes = results.at(-1)?.meta?.size_after ?? bytes;
        const rows = results.map(({ results = [] }) => results as Row[]); // D1's rows are plain objects of our values
        return rowsByName(statements, rows);
      } catch (error) {
        // D1 reports a constraint only in its message, which repeats SQLite's.
        const isConstraint = /(UNIQUE|NOT NULL|CHECK|PRIMARY KEY) constraint failed/.test(String(error));
        if (/maximum DB size|SQLITE_FULL|database or disk is full/i.test(String(error))) {
          throw new StorageFull('the database is as large as D1 has it', { cause: error });
        }
        throw isConstraint ? new Conflict('a constraint refused a statement', { cause: error }) : error;
      }
    },
    storage: () => (bytes === undefined ? undefined : { bytes, free: 0 }),
    async close() {
      closed = true; // what the binding has under way comes to its end by itself
    },
  };
}
