import type { Pool } from 'pg';
import { type Database, redact } from '../../handler/index.ts';
import { postgresDatabase } from '../../handler/state/database/postgres.ts';
import { roleOf, runSteps, securingSteps } from '../../handler/state/database/postgres-schema.ts';
import { withTenants } from '../../handler/state/database/postgres-tenants.ts';
import { migrate, schemaVersion, stepsFrom } from '../../handler/state/database/schema.ts';
import type { DatabaseKind } from './kind.ts';

/** PostgreSQL, by its own URLs. */
export const postgres: DatabaseKind = {
  form: 'postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  hasRoles: true,
  async open({ url, admin = url }) {
    const whole = await connect(admin, admin === url ? CONNECTIONS : ADMIN_CONNECTIONS);
    try {
      const { name, isHeld } = await roleOf(whole);
      if (isHeld) throw new Error(isHeldToo(name));
      await migrate(whole);
    } catch (error) {
      await whole.close();
      throw cannotOpen(admin, isForbidden(error) ? new Error(MAY_NOT, { cause: error }) : error);
    }
    if (admin === url) return whole;
    let tenants: Database | undefined;
    try {
      tenants = await connect(url, CONNECTIONS);
      const { name } = await roleOf(tenants);
      await runSteps(whole, await securingSteps(whole, name));
      if (!(await roleOf(tenants)).isHeld) throw new Error(notHeld(name));
      return withTenants(whole, tenants);
    } catch (error) {
      await Promise.all([whole.close(), tenants?.close()]);
      throw cannotOpen(url, error);
    }
  },
  async pendingSteps({ url, admin = url }) {
    const database = await connect(admin, 1);
    const tenants = admin === url ? undefined : await connect(url, 1);
    try {
      const steps = stepsFrom(await schemaVersion(database), database.system);
      if (!tenants || steps.length > 0) return steps; // policies are of tables that are there
      return await securingSteps(database, (await roleOf(tenants)).name);
    } catch (error) {
      throw cannotOpen(admin, error);
    } finally {
      await Promise.all([database.close(), tenants?.close()]);
    }
  },
  async vacuum() {
    throw new Error('PostgreSQL vacuums by itself; for more, ask it: VACUUM FULL');
  },
};

/** Connections of one process, and those of its other role beside them. */
const [CONNECTIONS, ADMIN_CONNECTIONS] = [16, 4];

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

const notHeld = (role: string) =>
  `row level security does not hold for its role ${role}, which owns the tables, or is a superuser: database.url needs one that is neither`;
const isHeldToo = (role: string) =>
  `row level security holds for its role ${role}: database.admin has to name the role that owns the tables`;

/** Opens a database as it is; rejects with an Error that names it, without its password. */
async function connect(url: string, max: number): Promise<Database> {
  const { Pool } = (await import('pg')).default;
  const openPool = (options?: string) => {
    const pool = new Pool({
      connectionString: url,
      max,
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
