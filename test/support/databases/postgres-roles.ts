import pg from 'pg';
import type { Database } from '../../../handler/index.ts';
import { roleOf, runSteps, securingSteps } from '../../../handler/state/database/postgres-schema.ts';
import { withTenants } from '../../../handler/state/database/postgres-tenants.ts';
import { migrate } from '../../../handler/state/database/schema.ts';
import { type PostgresServer, startPostgres } from '../postgres-server.ts';
import { connectPostgres } from './postgres.ts';

let server: Promise<PostgresServer> | undefined;

/** PostgreSQL by two roles: one that owns the tables, and one that is held to one tenant at a time. */
export async function open(): Promise<Database> {
  server ??= startPostgres();
  const { admin, url } = await newRoles(await server);
  const [whole, tenants] = [connectPostgres(admin, 4), connectPostgres(url)];
  await migrate(whole);
  await runSteps(whole, await securingSteps(whole, (await roleOf(tenants)).name));
  return withTenants(whole, tenants);
}

/** A new, empty database, by the URLs of its owner and of a role without any rights, and of a superuser. */
export async function newRoles(server: PostgresServer): Promise<{ admin: string; url: string; superuser: string }> {
  const superuser = await server.newDatabase();
  const client = new pg.Client(superuser);
  await client.connect();
  for (const role of ['owner', 'app'])
    await client.query(`DO $$ BEGIN CREATE ROLE ${role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
  await client.query(`ALTER DATABASE ${new URL(superuser).pathname.slice(1)} OWNER TO owner`);
  await client.end();
  return { admin: asRole(superuser, 'owner'), url: asRole(superuser, 'app'), superuser };
}

/** The URL of the same database for another role. */
export function asRole(url: string, role: string): string {
  return Object.assign(new URL(url), { username: role }).href;
}
