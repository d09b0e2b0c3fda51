import { Conflict, type Database, type Row, type Statement, type Value } from './database.ts';

/** As much of `node:sqlite`'s DatabaseSync as is used; the root opens it. */
export interface SqliteConnection {
  exec(sql: string): void;
  prepare(sql: string): { all(...values: Value[]): unknown[] };
  close(): void;
}

/**
 * What a commit waits for. `normal`: the operating system has it; a crash of the process loses nothing, a loss of power
 * may lose the last moments, and never tears anything. `full`: the disk has it, at the cost of one flush a commit.
 */
export type Synchronous = 'normal' | 'full';

/** SQLite's extended codes for a primary key, unique, not-null or check constraint that refuses. */
const REFUSED = new Set([1555, 2067, 1299, 275]);

/** How long a writer waits for another process's transaction, in milliseconds. */
const BUSY = 5_000;

/** A Database on a SQLite connection, in WAL mode, so that readers never wait. */
export function sqliteDatabase(connection: SqliteConnection, synchronous: Synchronous = 'normal'): Database {
  connection.exec(`PRAGMA busy_timeout = ${BUSY}; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`);
  // The product has a fixed set of statements, so the cache has a fixed size.
  const prepared = new Map<string, ReturnType<SqliteConnection['prepare']>>();
  const run = ({ sql, values }: Statement): Row[] => {
    const statement = prepared.get(sql) ?? connection.prepare(sql);
    prepared.set(sql, statement);
    return statement.all(...values) as Row[]; // node:sqlite's rows are plain objects of our values
  };
  return {
    dialect: 'sqlite',
    async batch(statements) {
      const [only] = statements;
      try {
        if (only && statements.length === 1) return [run(only)];
        run(statements.every(reads) ? BEGIN_READING : BEGIN_WRITING);
        const rows = statements.map(run);
        run(COMMIT);
        return rows;
      } catch (error) {
        if (statements.length > 1) rollBack(connection);
        throw isRefusal(error) ? new Conflict('a constraint refused a statement', { cause: error }) : error;
      }
    },
    async close() {
      connection.close();
    },
  };
}

const BEGIN_READING: Statement = { sql: 'BEGIN', values: [] };
/** IMMEDIATE: a transaction that reads first and writes then could not be retried by waiting. */
const BEGIN_WRITING: Statement = { sql: 'BEGIN IMMEDIATE', values: [] };
const COMMIT: Statement = { sql: 'COMMIT', values: [] };

function reads({ sql }: Statement): boolean {
  return /^(SELECT|WITH)\b/.test(sql);
}

function rollBack(connection: SqliteConnection): void {
  try {
    connection.exec('ROLLBACK');
  } catch {
    // Some failures have rolled back already.
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && REFUSED.has(Number(error.errcode));
}
