import type { Pool } from 'pg';
import { type Database, redact } from '../../handler/index.ts';
import { type PostgresPool, postgresDatabase } from '../../handler/state/database/postgres.ts';

/** How long things may take: as options of a connection; how long an answer is waited for, and a batch tried again, in milliseconds. */
export interface Times {
  options: string;
  answer: number;
  patience?: number;
}

/**
 * Statements and their locks end before the driver gives their connection up, so that the server has then given them up as well. It ends
 * a connection whose other end is gone: half a batch would hold its locks for hours.
 */
export const OF_REQUESTS: Times = {
  options: [
    '-c statement_timeout=10000 -c lock_timeout=4000 -c idle_in_transaction_session_timeout=10000',
    '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3',
  ].join(' '),
  answer: 15_000,
};

/** Whom the primary can stand in for is not waited for. */
export const OF_REPLICA: Times = { ...OF_REQUESTS, answer: 5_000, patience: 0 };

/** A migration takes as long as the index of a large table. */
export const FOR_EVER: Times = { options: '', answer: 2 ** 31 - 1 };

/** How long a connection may take to be there, may be unused, and is unused before it is asked whether it still is, in milliseconds. */
const [CONNECT_MS, IDLE_MS, KEEP_ALIVE_MS] = [5_000, 30_000, 10_000];

/** The isolation that batches rely on, as the server names it, and as a connection asks for it. */
const ISOLATED = 'repeatable read';
const ISOLATION = '-c default_transaction_isolation=repeatable\\ read';

/** A startup parameter that the server does not take: it is a pooler. */
const UNSUPPORTED_PARAMETER = '08P01';

/** Opens a database as it is, on at most `max` connections; rejects with an Error that names it, without its password. */
export async function connect(url: string, max: number, { options, ...times }: Times): Promise<Database> {
  const { Pool } = (await import('pg')).default;
  const pools: Pool[] = [];
  const openPool = (options?: string) => {
    const pool = new Pool({
      connectionString: url,
      max,
      connectionTimeoutMillis: CONNECT_MS,
      idleTimeoutMillis: IDLE_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      application_name: 'antiphon',
      ...(options !== undefined && { options }),
    });
    // Unheard, an error of a connection ends the process; whoever uses one hears of it by its batch.
    pool.on('error', () => {});
    pool.on('connect', (client) => client.on('error', () => {}));
    pools.push(pool);
    return pool;
  };
  try {
    let pool = openPool(`${ISOLATION} ${options}`);
    let level = await levelOf(pool);
    if (level !== ISOLATED) {
      await pool.end();
      pool = openPool();
      level = await levelOf(pool); // its role may have it
    }
    // pg's own types know no batch of several statements.
    return postgresDatabase(pool as unknown as PostgresPool, { ...times, isolateEach: level !== ISOLATED });
  } catch (error) {
    for (const pool of pools) if (!pool.ending) await pool.end();
    throw new CannotOpen(url, error);
  }
}

/** The error of a database that cannot be opened: it names it, without its password, and says why. */
export class CannotOpen extends Error {
  constructor(url: string, cause: unknown) {
    // Of a host with several addresses there is a code alone.
    const why = cause instanceof Error ? cause.message || String(Object(cause).code) : String(cause);
    super(`cannot open ${redact(withoutPassword(url))}: ${why}`, { cause });
  }
}

/** The isolation of a new transaction; undefined where the server takes no options. */
async function levelOf(pool: Pool): Promise<string | undefined> {
  try {
    const { rows } = await pool.query<{ level: string }>(`SELECT current_setting('transaction_isolation') AS level`);
    return rows[0]?.level;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === UNSUPPORTED_PARAMETER) return undefined;
    throw error;
  }
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'the database';
  const shown = new URL(url);
  if (shown.password) shown.password = '***';
  return shown.href;
}
