import { rowsByName, statementsOf } from './batch.ts';
import {
  Conflict,
  closedError,
  type Database,
  type Row,
  type Statement,
  StorageFull,
  Unavailable,
  UnknownOutcome,
} from './database.ts';
import { PostgresBatch } from './postgres-batch.ts';
import { raw, read, sql, write } from './sql.ts';

/** The part of a Pool of `pg` that is used; the root opens it. Whoever opens it hears its errors, and those of each client. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
  end(): Promise<void>;
}

/** A connection of the pool, for one batch. */
export interface PostgresClient {
  query(batch: PostgresBatch): unknown;
  /** Gives it back; `true` closes it. */
  release(broken?: boolean): void;
}

/** Options of a Postgres database. */
export interface PostgresOptions {
  /** How long a batch is tried again while the server is away or busy, in milliseconds. Default: 5000. */
  patience?: number;
  /**
   * How long an answer is waited for, in milliseconds: a network that swallows everything says nothing of it. The server should have given
   * up before. Default: 15000.
   */
  answer?: number;
  /** What each batch begins with, since connections do not keep it: ISOLATE and more, behind a pooler that shares them. Default: nothing. */
  first?: readonly Statement[];
  /** Whether statements are sent by names. Default: yes, until the server knows one of them not, or has it already. */
  named?: boolean;
}

/** A NOT NULL, a key and a check that refuse a statement. */
const CONSTRAINT_CODES = new Set(['23502', '23505', '23514']);

/** Nothing was done, and the same batch may succeed: the snapshot was too old, a deadlock, a lock that was not to be had. */
const AGAIN_CODES = new Set(['40001', '40P01', '55P03']);

/** Nothing was done, and a later connection may do it: the server stops, has become one that only reads, or ended an idle connection. */
const AWAY_CODES = new Set(['57P01', '57P05', '25006', '25P03', '25P04']);

/** Nothing was done, and it had better not be tried again at once: it took too long, or the server has too little of something. */
const GIVEN_UP = /^(57014|53...)$/;

/** Why a connection is refused for good: the credential, the database. */
const REFUSED = /^(28|3D|42)/;

/** Why a connection is refused for now: the server, its role or its database has as many as it takes, or PgBouncer (of which older ones have no code for it). */
const FULL_CODE = '53300';
const FULL_WORDS = /max_client_conn|max_user_connections|max_db_client_connections/;

/** A name that a connection does not have, or has already: a pooler gives each transaction another. */
const NAME_CODES = new Set(['26000', '42P05']);

/** The disk is full. */
const DISK_FULL = '53100';

/** The isolation that a batch needs: on the default one a statement's parts see different moments, and locks are granted twice. */
export const ISOLATE = write(sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`);

/** Writes after which statistics are gathered: plans that were made for empty tables read whole ones. */
const ANALYZE_AFTER = new Set([500, 5_000, 50_000]);

/** The longest pause before a batch is tried again, in milliseconds. */
const [BUSY_MS, AWAY_MS] = [20, 250];

/** How long connections may take to say goodbye, in milliseconds. */
const CLOSE_MS = 2_000;

/** How old the size of the database may be, in milliseconds. */
const SIZE_MS = 10_000;

/**
 * A Database on Postgres. A batch is one round trip and one transaction, at REPEATABLE READ. One that comes too late for its snapshot
 * is run again, and so is one whose server is away for less than `patience`, if it cannot have been done.
 */
export function postgresDatabase(pool: PostgresPool, options: PostgresOptions = {}): Database {
  const { patience = 5_000, answer = 15_000, first = [] } = options;
  const running = new Set<Promise<unknown>>();
  /** When connections have last answered, and when one was sent what it never answered. */
  const answeredAt = new WeakMap<PostgresClient, number>();
  let silentSince = Number.NEGATIVE_INFINITY;
  let { named = true } = options;
  let writes = 0;
  let size: number | undefined;
  let sizedAt = Number.NEGATIVE_INFINITY;
  let closing: Promise<void> | undefined;

  /** Takes a connection; not one that was last heard of before another fell silent, which the same may have happened to. */
  const take = async (): Promise<PostgresClient> => {
    for (;;) {
      const client = await pool.connect().catch((error) => {
        throw new NotSent(error);
      });
      if ((answeredAt.get(client) ?? Number.POSITIVE_INFINITY) >= silentSince) return client;
      client.release(true);
    }
  };

  const once = async (statements: readonly Statement[], isNamed = named): Promise<Row[][]> => {
    const client = await take();
    const batch = new PostgresBatch(first.length > 0 ? [...first, ...statements] : statements, isNamed);
    const sentAt = performance.now();
    const timer = setTimeout(() => {
      silentSince = Math.max(silentSince, sentAt);
      batch.handleError(new Error(`no answer within ${answer} ms`));
    }, answer);
    client.query(batch);
    try {
      const rows = await batch.rows;
      answeredAt.set(client, performance.now());
      client.release();
      return first.length > 0 ? rows.slice(first.length) : rows;
    } catch (error) {
      client.release(!isOfStatement(error));
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };

  const run = async (statements: readonly Statement[]): Promise<Row[][]> => {
    const until = performance.now() + patience;
    const onlyReads = statements.every(({ kind }) => kind === 'read');
    for (let tries = 1; ; tries++) {
      const isNamed = named;
      try {
        return await once(statements, isNamed);
      } catch (caught) {
        const isSent = !(caught instanceof NotSent);
        const error = isSent ? caught : caught.cause;
        const code = codeOf(error);
        if (CONSTRAINT_CODES.has(code)) throw new Conflict('a constraint refused a statement', { cause: error });
        if (code === DISK_FULL) throw new StorageFull('the disk is full', { cause: error });
        if (isSent && !onlyReads && isLost(code))
          throw new UnknownOutcome(`no answer came: ${wordsOf(error)}`, { cause: error });
        const isAway = isSent ? AWAY_CODES.has(code) || isLost(code) : !REFUSED.test(code);
        if (NAME_CODES.has(code) && isNamed) named = false;
        else if (!isSent || isAway || AGAIN_CODES.has(code) || GIVEN_UP.test(code)) {
          const isOver = performance.now() >= until || !(isAway || AGAIN_CODES.has(code));
          if (isOver) throw new Unavailable(`the server is away, or too busy: ${wordsOf(error)}`, { cause: error });
        } else throw error;
        const pause = Math.random() * Math.min(isAway ? AWAY_MS : BUSY_MS, 2 ** tries);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  };

  const tracked = async <T>(work: Promise<T>): Promise<T> => {
    running.add(work);
    try {
      return await work;
    } finally {
      running.delete(work);
    }
  };

  /** Keeps the planner and the size up to date; a failure changes nothing but speed. */
  const aside = (statement: Statement, then: (rows: readonly Row[]) => void = () => {}) => {
    if (!closing) tracked(once([statement]).then(([rows = []]) => then(rows))).catch(() => {});
  };

  return {
    system: 'postgresql',
    async batch(batch) {
      if (closing) throw closedError();
      const statements = statementsOf(batch);
      const rows = await tracked(run(statements));
      if (statements.some(({ kind }) => kind === 'write') && ANALYZE_AFTER.has(++writes)) aside(ANALYZE);
      return rowsByName(batch, rows);
    },
    storage() {
      if (performance.now() - sizedAt > SIZE_MS) {
        sizedAt = performance.now();
        aside(SIZE, ([row]) => {
          size = Number(row?.bytes);
        });
      }
      return size === undefined ? undefined : { bytes: size, free: 0 };
    },
    close: () => (closing ??= Promise.allSettled(running).then(() => within(CLOSE_MS, pool.end()))),
  };
}

const ANALYZE = write(raw('ANALYZE'));
const SIZE = read(sql`SELECT pg_database_size(current_database()) AS bytes`);

/** The code of a server's or a system's error; empty for a connection that ended without one. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** What an error says, with the cure where no connection was left; that of several addresses has only a code. */
export function wordsOf(error: unknown): string {
  const words = (error instanceof Error && error.message) || codeOf(error) || String(error);
  return codeOf(error) === FULL_CODE || FULL_WORDS.test(words) ? `${words} (${FEWER})` : words;
}

const FEWER =
  'it takes no more connections: give each process fewer by database.connections, raise its limit, or put a pooler in front of it';

/** Whether the server said it of a statement, so that the connection goes on; not that it only reads, since another may write by now. */
function isOfStatement(error: unknown): boolean {
  return /^(?!57P|08|25)[0-9A-Z]{5}$/.test(codeOf(error));
}

/** Whether a connection ended while its answer was awaited, or a pooler's to the server: what was asked may have been done. */
function isLost(code: string): boolean {
  return !/^(?!08|57P02)[0-9A-Z]{5}$/.test(code);
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, over]).finally(() => clearTimeout(timer));
}

/** There was no connection to be had. */
class NotSent extends Error {
  override readonly cause: unknown;

  constructor(cause: unknown) {
    super('there is no connection');
    this.cause = cause;
  }
}
