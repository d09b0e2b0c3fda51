import { type Database, log } from '../../handler/index.ts';
import { withReplica } from '../../handler/state/database/postgres-replica.ts';
import { roleOf, runSteps, securingSteps } from '../../handler/state/database/postgres-schema.ts';
import { withTenants } from '../../handler/state/database/postgres-tenants.ts';
import { viewSteps } from '../../handler/state/database/postgres-views.ts';
import { migrate, schemaVersion, stepsFrom } from '../../handler/state/database/schema.ts';
import type { DatabaseKind, Description } from './kind.ts';
import { CannotOpen, connect, FOR_EVER, OF_REPLICA, OF_REQUESTS, routeTo } from './postgres-connect.ts';
import { inWords, type Route } from './postgres-route.ts';

/** PostgreSQL, by its own URLs. */
export const postgres: DatabaseKind = {
  form: 'postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  hasRoles: true,
  async open({ url, read, admin = url, connections = CONNECTIONS }) {
    const migrating = await connect(admin, 1, FOR_EVER);
    let tenants: Database | undefined;
    try {
      const { name, isHeld } = await roleOf(migrating);
      if (isHeld) throw new Error(isHeldToo(name));
      await migrate(migrating).catch((error) => {
        throw isForbidden(error) ? new Error(MAY_NOT, { cause: error }) : error;
      });
      await runSteps(migrating, await viewSteps(migrating));
      const readsFrom = (primary: Database) =>
        read === undefined ? primary : withReplicaAt(read, primary, { isHeld: admin !== url, connections });
      if (admin !== url) tenants = readsFrom(await connectTenants(url, migrating, connections));
      await migrating.close(); // where a pooler has no connection to spare
      const whole = await connect(admin, tenants ? adminConnections(connections) : connections, OF_REQUESTS, tell);
      return tenants ? withTenants(whole, tenants) : readsFrom(whole);
    } catch (error) {
      await tenants?.close();
      throw error instanceof CannotOpen ? error : new CannotOpen(admin, error);
    } finally {
      await migrating.close();
    }
  },
  async describe({ url, read, admin = url, connections = CONNECTIONS }, processes) {
    const uses: [key: string, url: string | undefined, connections: number][] = [
      ['url', url, connections],
      ['read', read, connections],
      ['admin', admin === url ? undefined : admin, adminConnections(connections)],
    ];
    return Promise.all(
      uses.flatMap(([key, url, connections]) =>
        url === undefined ? [] : [describe(key, url, processes * connections)],
      ),
    );
  },
  async pendingSteps({ url, admin = url }) {
    const database = await connect(admin, 1, FOR_EVER);
    const tenants = admin === url ? undefined : await connect(url, 1, FOR_EVER);
    try {
      const steps = stepsFrom(await schemaVersion(database), database.system);
      if (steps.length > 0) return steps; // what else is missing is of tables that are there
      const views = await viewSteps(database);
      return tenants ? [...views, ...(await securingSteps(database, (await roleOf(tenants)).name))] : views;
    } catch (error) {
      throw new CannotOpen(admin, error);
    } finally {
      await Promise.all([database.close(), tenants?.close()]);
    }
  },
  async vacuum() {
    throw new Error('PostgreSQL vacuums by itself; for more, ask it: VACUUM FULL');
  },
};

/** Connections of one process, and those of its other role beside them. */
const CONNECTIONS = 16;
const adminConnections = (connections: number) => Math.min(4, connections);

/** How the server of a key is reached, and what is wrong with that for so many connections. */
async function describe(key: string, url: string, connections: number): Promise<Description> {
  const about = (text: string) => `database.${key}: ${text}`;
  try {
    const route = await routeTo(url);
    const tooMany = `it takes ${route.most} connections, and this configuration may open ${connections}: give each process fewer by database.connections, or put a pooler in front of it`;
    if (route.pooler === undefined && route.most < connections) return { text: about(tooMany), isWrong: true };
    return { text: about(`PostgreSQL, ${inWords(route)}`), isWrong: false };
  } catch (error) {
    return { text: about(error instanceof Error ? error.message : String(error)), isWrong: true };
  }
}

/** Tells the log what a pooler costs, where that can be had for less. */
function tell(route: Route): void {
  if (route.pooler === 'session' || !route.keepsNames)
    log.warn('the database is not reached in the best way', { route: inWords(route) });
}

/** The role has no right to do that. */
const FORBIDDEN = '42501';

const MAY_NOT =
  'its schema has to be brought up to date, and its role may not do that: run antiphon migrate with one that may, `database.admin`';

const notHeld = (role: string, key = 'url') =>
  `row level security does not hold for its role ${role}, which owns the tables, or is a superuser: database.${key} needs one that is neither`;
const isHeldToo = (role: string) =>
  `row level security holds for its role ${role}: database.admin has to name the role that owns the tables`;

function isForbidden(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === FORBIDDEN;
}

/** Connects as the role of tenants' requests, whom row level security has to hold; `admin` is the database as its owner has it. */
async function connectTenants(url: string, admin: Database, connections: number): Promise<Database> {
  const tenants = await connect(url, connections, OF_REQUESTS, tell);
  try {
    const { name } = await roleOf(tenants);
    await runSteps(admin, await securingSteps(admin, name));
    if (!(await roleOf(tenants)).isHeld) throw new Error(notHeld(name));
    return tenants;
  } catch (error) {
    await tenants.close();
    throw new CannotOpen(url, error);
  }
}

/** How a replica is used: as a role whom row level security holds, if tenants are to have it; and on so many connections. */
interface ReplicaUse {
  isHeld: boolean;
  connections: number;
}

/** Reads that may lag go to the replica at a URL. */
function withReplicaAt(url: string, primary: Database, use: ReplicaUse): Database {
  return withReplica(primary, () => connectReplica(url, use), {
    changed(reason) {
      if (reason === undefined) log.info('the replica of the database is read');
      else log.warn('the replica of the database is not read', { error: reason });
    },
  });
}

async function connectReplica(url: string, { isHeld, connections }: ReplicaUse): Promise<Database> {
  const replica = await connect(url, connections, OF_REPLICA);
  try {
    const role = await roleOf(replica);
    if (isHeld && !role.isHeld) throw new Error(notHeld(role.name, 'read'));
    return replica;
  } catch (error) {
    await replica.close();
    throw new CannotOpen(url, error);
  }
}
