import { rowsByName, statementsOf } from './batch.ts';
import {
  Conflict,
  closedError,
  type Database,
  type Row,
  type Statement,
  StorageFull,
  Unavailable,
  type Value,
} from './database.ts';
import { loopTurns } from './loop-turns.ts';
import { raw, sql, write } from './sql.ts';

/** The part of `node:sqlite`'s DatabaseSync that is used; the root opens it. */
export interface SqliteConnection {
  exec(sql: string): void;
  prepare(sql: string): { all(...values: Value[]): unknown[] };
  close(): void;
}

/** Options of a SQLite database. */
export interface SqliteOptions {
  /**
   * What a commit waits for. `normal`: the operating system has it; a crash of the process loses nothing, a loss of power
   * may lose the last moments, and never tears anything. `full`: the disk has it, at the cost of one flush a commit.
   */
  synchronous?: 'normal' | 'full';
  /** Postpones work, so that everything written until then shares one commit; `setImmediate` on Node. */
  defer?: (work: () => void) => void;
  /** How long a writer waits for another process's transaction, in milliseconds. Default: 5000. */
  patience?: number;
  /** Reserve for a full disk: `giveUp` says whether that made room; while it `isFull` nothing new may be stored. */
  reserve?: { giveUp(): boolean; readonly isFull: boolean };
}

interface QueuedBatch {
  statements: readonly Statement[];
  /** Deadline for another process's transaction, by `performance.now()`. */
  until: number;
  resolve(rows: Row[][]): void;
  reject(error: unknown): void;
}

/** SQLite's extended error codes of primary key, unique, not-null and check constraints. */
const CONSTRAINT_CODES = new Set([1555, 2067, 1299, 275]);

/** SQLITE_FULL: the disk or the file cannot grow. */
const SQLITE_FULL = 13;

/** SQLITE_BUSY: another connection holds a lock. */
const SQLITE_BUSY = 5;
/** Error codes that concern one batch only: an error in it, a constraint, or its size. */
const BATCH_CODES = new Set([1, 19, SQLITE_FULL]);

/**
 * Page cache in KiB: a long history is spread over many pages, and SQLite's own 2 MiB forget them; what is larger is filled
 * for minutes, and a chain that goes on is not read from here.
 */
const CACHE_KIB = 8_192;

/** Bytes that the WAL file keeps when it begins anew. */
const MAX_LOG_BYTES = 1024 * 1024;

/** Free pages kept for the next writes, and pages returned to the disk at a time. */
const [MIN_FREE_PAGES, VACUUM_PAGES] = [1024, 128];

/** Characters per group commit: a commit blocks the event loop. */
const MAX_COMMIT_CHARS = 4 * 1024 * 1024;

/** Interval for retrying while another process holds a lock, in milliseconds. */
const POLL_MS = 5;

/**
 * A Database on a SQLite connection, in WAL mode, so that readers never wait for writers. Batches that write share one commit
 * (group commit), since a commit costs more than its statements; when one of them fails, each is run alone. Locks of other
 * processes are waited for with timers: SQLite's own waiting would block the event loop.
 */
export function sqliteDatabase(connection: SqliteConnection, options: SqliteOptions = {}): Database {
  const { synchronous = 'normal', defer = queueMicrotask, patience = 5_000, reserve } = options;
  // auto_vacuum takes effect in a new file only.
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
        // IMMEDIATE, since a transaction that reads before it writes cannot be retried by waiting.
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
      else job.reject(busy(error));
    }
  };
  /** Queues a job for the next group commit; the first queued job schedules it. */
  const enqueue = (job: QueuedBatch, when: (work: () => void) => void) => {
    if (queue.length === 0) when(flush);
    queue.push(job);
  };

  /** Reads without waiting for writers. SQLite is busy for readers only while another process vacuums the file. */
  const readOnly = async (statements: readonly Statement[]): Promise<Row[][]> => {
    const until = performance.now() + patience;
    for (;;) {
      for (let turn = waitForTurn?.(); turn; turn = waitForTurn?.()) await turn;
      try {
        return transact('BEGIN', [statements])[0] ?? [];
      } catch (error) {
        if (codeOf(error) !== SQLITE_BUSY) throw error;
        if (performance.now() >= until) throw busy(error);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  let reading = 0;
  const readAndWrite = (statements: readonly Statement[]) =>
    new Promise<Row[][]>((resolve, reject) => {
      enqueue({ statements, until: performance.now() + patience, resolve, reject }, defer);
    });
  let closing: Promise<void> | undefined;
  const batch: Database['batch'] = async (named) => {
    if (closing) throw closedError();
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

  const close = async () => {
    flush();
    while (queue.length + reading > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    connection.close();
  };

  const pragma = (name: string) => Number(Object.values(all(`PRAGMA ${name}`)[0] ?? {})[0]);
  const pageSize = pragma('page_size');
  const canVacuum = pragma('auto_vacuum') === 2;

  return {
    system: 'sqlite',
    batch,
    storage() {
      try {
        const free = pragma('freelist_count') * pageSize;
        return { bytes: pragma('page_count') * pageSize - free, free };
      } catch {
        return undefined; // another process is vacuuming
      }
    },
    isFull: () => reserve?.isFull ?? false,
    async giveBack() {
      if (!canVacuum || pragma('freelist_count') <= MIN_FREE_PAGES) return false;
      await batch({ pages: write(sql`PRAGMA incremental_vacuum(${raw(VACUUM_PAGES)})`) });
      return true;
    },
    close: () => (closing ??= close()),
  };
}

/** Jobs of the next group commit: all small ones, or one large one. */
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

function busy(cause: unknown): Unavailable {
  return new Unavailable('another process has locked the database', { cause });
}

/** SQLite's extended error code, also of the cause of a Conflict or StorageFull; 0 for other errors. */
function errcode(error: unknown): number {
  if (error instanceof Conflict || error instanceof StorageFull) return errcode(error.cause);
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
}

/** The primary code of an extended one. */
function codeOf(error: unknown): number {
  return errcode(error) & 0xff;
}
