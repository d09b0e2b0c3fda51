import type { Pool } from 'pg';
import { type Database, redact } from '../../handler/index.ts';
import { postgresDatabase } from '../../handler/state/database/postgres.ts';
import { migrate, schemaVersion, stepsFrom } from '../../handler/state/database/schema.ts';
import type { DatabaseKind } from './kind.ts';

/** PostgreSQL, by its own URLs. */
export const postgres: DatabaseKind = {
  form: 'postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  hasRoles: true,
  async open({ url, admin }) {
    const migrating = await connect(admin ?? url);
    try {
      await migrate(migrating);
    } catch (error) {
      await migrating.close();
      throw cannotOpen(admin ?? url, isForbidden(error) ? new Error(MAY_NOT, { cause: error }) : error);
    }
    if (admin === undefined) return migrating;
    await migrating.close();
    return connect(url);
  },
  async pendingSteps({ url, admin = url }) {
    const database = await connect(admin);
    try {
      return stepsFrom(await schemaVersion(database), database.system);
    } catch (error) {
      throw cannotOpen(admin, error);
    } finally {
      await database.close();
    }
  },
  async vacuum() {
    throw new Error('PostgreSQL vacuums by itself; for more, ask it: VACUUM FULL');
  },
};

/** Connections of one process. */
const CONNECTIONS = 16;

/** How long a connection may take to be there, and may be unused, in milliseconds. */
const [CONNECT_MS, IDLE_MS] = [5_000, 30_000];

/** Of each connection what batches rely on; a pooler that shares connections refuses it. */
const ISOLATION = '-c default_transaction_isolation=repeatable\\ read';

/** A startup parameter that the server does not take: it is a pooler. */
const UNSUPPORTED_PARAMETER = '08P01';

/** The role has no right to do that. */
const FORBIDDEN = '42501';

const MAY_NOT =
  'its schema has to be brought up to date, and its role may not do that: run antiphon migrate with one that may, `database.admin`';

/** Opens a database as it is; rejects with an Error that names it, without its password. */
async function connect(url: string): Promise<Database> {
  const { Pool } = (await import('pg')).default;
  const openPool = (options?: string) => {
    const pool = new Pool({
      connectionString: url,
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      idleTimeoutMillis: IDLE_MS,
      application_name: 'antiphon',
      ...(options !== undefined && { options }),
    });
    // Unheard, an error of a connection ends the process; whoever uses one hears of it by its batch.
    pool.on('error', () => {});
    pool.on('connect', (client) => client.on('error', () => {}));
    return pool;
  };
  try {
    const own = openPool(ISOLATION);
    const isolated = await isIsolated(own);
    if (!isolated) await own.end();
    // pg's own types know no batch of several statements.
    const pool = (isolated ? own : openPool()) as unknown as Parameters<typeof postgresDatabase>[0];
    return postgresDatabase(pool, { isolateEach: !isolated });
  } catch (error) {
    throw cannotOpen(url, error);
  }
}

function cannotOpen(url: string, error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error);
  return new Error(`cannot open ${redact(withoutPassword(url))}: ${why}`, { cause: error });
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === FORBIDDEN;
}

/** Whether connections have the isolation that they were asked to have. */
async function isIsolated(pool: Pool): Promise<boolean> {
  try {
    const { rows } = await pool.query<{ level: string }>(`SELECT current_setting('transaction_isolation') AS level`);
    return rows[0]?.level === 'repeatable read';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === UNSUPPORTED_PARAMETER) return false;
    throw error;
  }
}

function withoutPassword(url: string): string {
  if (!URL.canParse(url)) return 'the database';
  const shown = new URL(url);
  if (shown.password) shown.password = '***';
  return shown.href;
}
