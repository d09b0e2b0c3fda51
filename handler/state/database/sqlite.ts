import { Conflict, type Database, type Row, type Statement, StorageFull, type Value } from './database.ts';
import { loopTurns } from './loop-turns.ts';

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

interface Job {
  statements: readonly Statement[];
  /** Until when it waits for another process's transaction, by `performance.now()`. */
  until: number;
  resolve(rows: Row[][]): void;
  reject(error: unknown): void;
}

/** SQLite's extended codes for a primary key, unique, not-null or check constraint that refuses. */
const REFUSED = new Set([1555, 2067, 1299, 275]);

/** SQLite's code for a disk, or a file, that can grow no more. */
const FULL = 13;

/** SQLite's code for a lock that another connection holds, whatever for. */
const BUSY = 5;
/** Its codes for what is wrong with one batch and says nothing of others: an error in it, a constraint, more than there is room for. */
const OF_ONE = new Set([1, 19, FULL]);

/** Pages kept in memory, in KiB: a long history is read from many places, and SQLite's own 2 MiB forget them; 64 MiB fill for minutes. */
const CACHE = 32_768;

/** Bytes of the log that stay when it begins anew. */
const LOG = 1024 * 1024;

/** Free pages that stay for what is written next, and those that are given back at a time. */
const [KEPT, GIVEN] = [1024, 128];

/** Characters written in one commit with others: it holds the event loop up. */
const AT_ONCE = 4 * 1024 * 1024;

/** How often a writer looks whether another process's transaction has ended, in milliseconds. */
const LOOK = 5;

/**
 * A Database on a SQLite connection, in WAL mode, so that readers never wait. Batches that write are gathered into one
 * transaction, since a commit costs more than what is in it; when one of them is refused, each is run by itself. Another
 * process's lock is waited for with timers: SQLite's own waiting would hold up all else that this process does.
 */
export function sqliteDatabase(connection: SqliteConnection, options: SqliteOptions = {}): Database {
  const { synchronous = 'normal', defer = queueMicrotask, patience = 5_000, reserve } = options;
  // Only a new file heeds what becomes of its free pages.
  connection.exec(`PRAGMA busy_timeout = ${patience}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous};
    PRAGMA cache_size = -${CACHE}; PRAGMA journal_size_limit = ${LOG}; PRAGMA busy_timeout = 0`);
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
      if (REFUSED.has(errcode(error))) throw new Conflict('a constraint refused a statement', { cause: error });
      if (codeOf(error) === FULL) throw new StorageFull('the disk is full', { cause: error });
      throw error;
    }
  };

  const room = options.defer && loopTurns(options.defer);
  const waiting: Job[] = [];
  const flush = () => {
    const jobs = waiting.splice(0, together(waiting));
    if (waiting.length > 0) defer(flush);
    if (jobs.length > 0) commit(jobs);
  };
  const commit = (jobs: readonly Job[]) => {
    try {
      const rows = transact(
        BEGIN_WRITING,
        jobs.map(({ statements }) => statements),
      );
      for (const [index, job] of jobs.entries()) job.resolve(rows[index] ?? []);
    } catch (error) {
      if (codeOf(error) === BUSY) putOff(jobs, error);
      else if (codeOf(error) === FULL && reserve?.giveUp()) commit(jobs);
      else if (jobs.length > 1 && OF_ONE.has(codeOf(error))) for (const job of jobs) commit([job]);
      else for (const job of jobs) job.reject(error);
    }
  };
  const putOff = (jobs: readonly Job[], error: unknown) => {
    const now = performance.now();
    for (const job of jobs) {
      if (now < job.until) wait(job, (work) => setTimeout(work, LOOK));
      else job.reject(error);
    }
  };
  /** Has a job run along with all that wait for the same moment; who is the first says when that is. */
  const wait = (job: Job, when: (work: () => void) => void) => {
    if (waiting.length === 0) when(flush);
    waiting.push(job);
  };

  const pragma = (name: string) => Number(Object.values(run({ sql: `PRAGMA ${name}`, values: [] })[0] ?? {})[0]);
  const pageSize = pragma('page_size');
  const gives = pragma('auto_vacuum') === 2;

  const batch: Database['batch'] = async (statements) => {
    if (statements.every(reads)) {
      for (let turn = room?.(); turn; turn = room?.()) await turn;
      try {
        return transact(BEGIN_READING, [statements])[0] ?? [];
      } catch (error) {
        // Readers wait where another process puts a file in order; then they wait like a writer.
        if (codeOf(error) !== BUSY) throw error;
      }
    }
    return new Promise((resolve, reject) => {
      wait({ statements, until: performance.now() + patience, resolve, reject }, defer);
    });
  };

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
      if (!gives || pragma('freelist_count') <= KEPT) return false;
      await batch([{ sql: `PRAGMA incremental_vacuum(${GIVEN})`, values: [] }]);
      return true;
    },
    async close() {
      flush();
      while (waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, LOOK));
      connection.close();
    },
  };
}

const BEGIN_READING: Statement = { sql: 'BEGIN', values: [] };
/** IMMEDIATE: a transaction that reads first and writes then could not be retried by waiting. */
const BEGIN_WRITING: Statement = { sql: 'BEGIN IMMEDIATE', values: [] };
const COMMIT: Statement = { sql: 'COMMIT', values: [] };

/** How many of the first jobs are committed together: all that are small, or one that is large. */
function together(jobs: readonly Job[]): number {
  let size = 0;
  const end = jobs.findIndex(({ statements }) => {
    for (const { values } of statements)
      for (const value of values) if (typeof value === 'string') size += value.length;
    return size > AT_ONCE;
  });
  return end < 0 ? jobs.length : Math.max(1, end);
}

function reads({ sql }: Statement): boolean {
  return /^\s*(SELECT|WITH)\b/.test(sql);
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
