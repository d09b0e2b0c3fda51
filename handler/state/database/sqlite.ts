import { rowsByName, statementsOf } from './batch.ts';
import { Conflict, type Database, type Row, type Statement, StorageFull, type Value } from './database.ts';
import { loopTurns } from './loop-turns.ts';
import { raw, sql, write } from './sql.ts';

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
  /** How long a writer waits for another process's transaction, in milliseconds: five seconds, unless told otherwise. */
  patience?: number;
  /** What is kept for a full disk: giving it up says whether that made room; nothing new is to be kept while it `isFull`. */
  reserve?: { giveUp(): boolean; readonly isFull: boolean };
}

interface QueuedBatch {
  statements: readonly Statement[];
  /** Until when it waits for another process's transaction, by `performance.now()`. */
  until: number;
  resolve(rows: Row[][]): void;
  reject(error: unknown): void;
}

/** SQLite's extended codes for a primary key, unique, not-null or check constraint that refuses. */
const CONSTRAINT_CODES = new Set([1555, 2067, 1299, 275]);

/** SQLite's code for a disk, or a file, that can grow no more. */
const SQLITE_FULL = 13;

/** SQLite's code for a lock that another connection holds, whatever for. */
const SQLITE_BUSY = 5;
/** Its codes for what is wrong with one batch and says nothing of others: an error in it, a constraint, more than there is room for. */
const BATCH_CODES = new Set([1, 19, SQLITE_FULL]);

/** Page cache in KiB: a long history is read from many places, and SQLite's own 2 MiB forget them; 64 MiB fill for minutes. */
const CACHE_KIB = 32_768;

/** Bytes of the log that stay when it begins anew. */
const MAX_LOG_BYTES = 1024 * 1024;

/** Free pages that stay for what is written next, and those that are given back at a time. */
const [MIN_FREE_PAGES, VACUUM_PAGES] = [1024, 128];

/** Characters written in one commit with others: it holds the event loop up. */
const MAX_COMMIT_CHARS = 4 * 1024 * 1024;

/** How often it is looked whether another process's lock is gone, in milliseconds. */
const POLL_MS = 5;

/**
 * A Database on a SQLite connection, in WAL mode, so that readers never wait for writers. Batches that write are gathered into
 * one transaction, since a commit costs more than what is in it; when one of them is refused, each is run by itself. Another
 * process's lock is waited for with timers: SQLite's own waiting would hold up all else that this process does.
 */
export function sqliteDatabase(connection: SqliteConnection, options: SqliteOptions = {}): Database {
  const { synchronous = 'normal', defer = queueMicrotask, patience = 5_000, reserve } = options;
  // Only a new file heeds what becomes of its free pages.
  connection.exec(`PRAGMA busy_timeout = ${patience}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
    PRAGMA cache_size = -${CACHE_KIB}; PRAGMA journal_size_limit = ${MAX_LOG_BYTES}; PRAGMA busy_timeout = 0`);
  // The product has a fixed set of statements, so the cache has a fixed size.
  const prepared = new Map<string, ReturnType<SqliteConnection['prepare']>>();
  const all = (text: string, values: readonly Value[] = []): Row[] => {
    const statement = prepared.get(text) ?? connection.prepare(text);
    prepared.set(text, statement);
    return statement.all(...values) as Row[]; // node:sqlite's rows are plain objects of our values
  };
  const run = ({ text, values }: Statement) => all(text, values);
  const transact = (begin: string, batches: readonly (readonly Statement[])[]): Row[][][] => {
    try {
      all(begin);
      const rows = batches.map((statements) => statements.map(run));
      all('COMMIT');
      return rows;
    } catch (error) {
      rollBack(connection);
      if (CONSTRAINT_CODES.has(errcode(error)))
        throw new Conflict('a constraint refused a statement', { cause: error });
      if (codeOf(error) === SQLITE_FULL) throw new StorageFull('the disk is full', { cause: error });
      throw error;
    }
  };

  const waitForTurn = options.defer && loopTurns(options.defer);
  const queue: QueuedBatch[] = [];
  const flush = () => {
    const jobs = queue.splice(0, groupSize(queue));
    if (queue.length > 0) defer(flush);
    if (jobs.length > 0) commit(jobs);
  };
  const commit = (jobs: readonly QueuedBatch[]) => {
    try {
      const rows = transact(
        // A transaction that reads first and writes then could not be retried by waiting.
        'BEGIN IMMEDIATE',
        jobs.map(({ statements }) => statements),
      );
      for (const [index, job] of jobs.entries()) job.resolve(rows[index] ?? []);
    } catch (error) {
      if (codeOf(error) === SQLITE_BUSY) retryLater(jobs, error);
      else if (codeOf(error) === SQLITE_FULL && reserve?.giveUp()) commit(jobs);
      else if (jobs.length > 1 && BATCH_CODES.has(codeOf(error))) for (const job of jobs) commit([job]);
      else for (const job of jobs) job.reject(error);
    }
  };
  const retryLater = (jobs: readonly QueuedBatch[], error: unknown) => {
    const now = performance.now();
    for (const job of jobs) {
      if (now < job.until) enqueue(job, (work) => setTimeout(work, POLL_MS));
      else job.reject(error);
    }
  };
  /** Has a job run along with all that wait for the same moment; who is the first says when that is. */
  const enqueue = (job: QueuedBatch, when: (work: () => void) => void) => {
    if (queue.length === 0) when(flush);
    queue.push(job);
  };

  /** Takes no lock that a writer has. SQLite is busy for readers only where another process puts the whole file in order. */
  const readOnly = async (statements: readonly Statement[]): Promise<Row[][]> => {
    const until = performance.now() + patience;
    for (;;) {
      for (let turn = waitForTurn?.(); turn; turn = waitForTurn?.()) await turn;
      try {
        return transact('BEGIN', [statements])[0] ?? [];
      } catch (error) {
        if (codeOf(error) !== SQLITE_BUSY || performance.now() >= until) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  let reading = 0;
  const readAndWrite = (statements: readonly Statement[]) =>
    new Promise<Row[][]>((resolve, reject) => {
      enqueue({ statements, until: performance.now() + patience, resolve, reject }, defer);
    });
  const batch: Database['batch'] = async (named) => {
    const statements = statementsOf(named);
    const onlyReads = statements.every(({ kind }) => kind === 'read');
    if (!onlyReads) return rowsByName(named, await readAndWrite(statements));
    reading++;
    try {
      return rowsByName(named, await readOnly(statements));
    } finally {
      reading--;
    }
  };

  const pragma = (name: string) => Number(Object.values(all(`PRAGMA ${name}`)[0] ?? {})[0]);
  const pageSize = pragma('page_size');
  const canVacuum = pragma('auto_vacuum') === 2;

  return {
    batch,
    storage() {
      try {
        const free = pragma('freelist_count') * pageSize;
        return { bytes: pragma('page_count') * pageSize - free, free };
      } catch {
        return undefined; // another process puts the file in order
      }
    },
    isFull: () => reserve?.isFull ?? false,
    async giveBack() {
      if (!canVacuum || pragma('freelist_count') <= MIN_FREE_PAGES) return false;
      await batch({ pages: write(sql`PRAGMA incremental_vacuum(${raw(VACUUM_PAGES)})`) });
      return true;
    },
    async close() {
      flush();
      while (queue.length + reading > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      connection.close();
    },
  };
}

/** How many of the first jobs are committed together: all that are small, or one that is large. */
function groupSize(jobs: readonly QueuedBatch[]): number {
  let size = 0;
  const end = jobs.findIndex(({ statements }) => {
    for (const { values } of statements)
      for (const value of values) if (typeof value === 'string') size += value.length;
    return size > MAX_COMMIT_CHARS;
  });
  return end < 0 ? jobs.length : Math.max(1, end);
}

function rollBack(connection: SqliteConnection): void {
  try {
    connection.exec('ROLLBACK');
  } catch {
    // Some failures have rolled back already.
  }
}

/** SQLite's extended code of an error, or of what a Conflict or StorageFull was made of; 0 for what is none of its own. */
function errcode(error: unknown): number {
  if (error instanceof Conflict || error instanceof StorageFull) return errcode(error.cause);
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
}

/** The code that an extended one is a kind of. */
function codeOf(error: unknown): number {
  return errcode(error) & 0xff;
}
