import { Conflict, type Database, type Row, type Statement, type Value } from './database.ts';

/** As much of `node:sqlite`'s DatabaseSync as is used; the root opens it. */
export interface SqliteConnection {
  exec(sql: string): void;
  prepare(sql: string): { all(...values: Value[]): unknown[] };
  close(): void;
}

/** How a SQLite database is to be used. */
export interface SqliteOptions {
  /**
   * What a commit waits for. `normal`: the operating system has it; a crash of the process loses nothing, a loss of power
   * may lose the last moments, and never tears anything. `full`: the disk has it, at the cost of one flush a commit.
   */
  synchronous?: 'normal' | 'full';
  /** Does work a little later, so that what is written until then is committed together; `setImmediate` on Node. */
  defer?: (work: () => void) => void;
}

interface Job {
  statements: readonly Statement[];
  resolve(rows: Row[][]): void;
  reject(error: unknown): void;
}

/** SQLite's extended codes for a primary key, unique, not-null or check constraint that refuses. */
const REFUSED = new Set([1555, 2067, 1299, 275]);

/** Pages kept in memory, in KiB: a long history is read from many places, and SQLite's own 2 MiB forget them. */
const CACHE = 65_536;

/** How long a writer waits for another process's transaction, in milliseconds. */
const BUSY = 5_000;

/**
 * A Database on a SQLite connection, in WAL mode, so that readers never wait. Batches that write are gathered into one
 * transaction, since a commit costs more than what is in it; when one of them is refused, each is run by itself.
 */
export function sqliteDatabase(connection: SqliteConnection, options: SqliteOptions = {}): Database {
  const { synchronous = 'normal', defer = queueMicrotask } = options;
  connection.exec(`PRAGMA busy_timeout = ${BUSY}; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
    PRAGMA cache_size = -${CACHE}`);
  // The product has a fixed set of statements, so the cache has a fixed size.
  const prepared = new Map<string, ReturnType<SqliteConnection['prepare']>>();
  const run = ({ sql, values }: Statement): Row[] => {
    const statement = prepared.get(sql) ?? connection.prepare(sql);
    prepared.set(sql, statement);
    return statement.all(...values) as Row[]; // node:sqlite's rows are plain objects of our values
  };
  const transact = (begin: Statement, batches: readonly (readonly Statement[])[]): Row[][][] => {
    try {
      run(begin);
      const rows = batches.map((statements) => statements.map(run));
      run(COMMIT);
      return rows;
    } catch (error) {
      rollBack(connection);
      throw isRefusal(error) ? new Conflict('a constraint refused a statement', { cause: error }) : error;
    }
  };

  let waiting: Job[] = [];
  const commit = (jobs: readonly Job[]) => {
    try {
      const rows = transact(
        BEGIN_WRITING,
        jobs.map(({ statements }) => statements),
      );
      for (const [index, job] of jobs.entries()) job.resolve(rows[index] ?? []);
    } catch (error) {
      if (jobs.length === 1) jobs[0]?.reject(error);
      else for (const job of jobs) commit([job]);
    }
  };
  const flush = () => {
    const jobs = waiting;
    waiting = [];
    if (jobs.length > 0) commit(jobs);
  };

  return {
    dialect: 'sqlite',
    async batch(statements) {
      if (statements.every(reads)) return transact(BEGIN_READING, [statements])[0] ?? [];
      return new Promise((resolve, reject) => {
        if (waiting.length === 0) defer(flush);
        waiting.push({ statements, resolve, reject });
      });
    },
    async close() {
      flush();
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
