import type { Database } from './database.ts';
import { LOCKS } from './schema.ts';
import { raw, read, sql, write } from './sql.ts';

/** Tables that no tenant's batch needs: who has keys and how much is left to them or stored, what encrypts, the version. */
const HIDDEN = new Set(['keys', 'allowances', 'reservations', 'stored_bytes', 'tenant_keys', 'secrets', 'migrations']);

/**
 * The rows that a batch sees and writes: of the partition that it has set, and of a tenant's users where it has set that. What is not set
 * is NULL on a new connection, and empty on one that was used.
 */
const OWN_ROWS = `tenant = current_setting('app.tenant', true)
  OR starts_with(tenant, nullif(current_setting('app.users_of', true), ''))`;

/**
 * The statements that are missing until a role sees, of each table, what is of the tenant that a batch has set and no more; none if it is
 * so. Whoever owns the tables is held to none of this.
 */
export async function securingSteps(admin: Database, role: string): Promise<string[]> {
  const { tables, schema } = await admin.batch({
    tables: read(sql`SELECT c.relname AS name, c.relrowsecurity AS is_secured,
        EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'of_tenant') AS has_policy,
        EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant') AS has_tenant,
        (SELECT bool_and(has_table_privilege(${role}, c.oid, r)) FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) r) AS may
      FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname`),
    schema: read(sql`SELECT current_schema() AS name, has_schema_privilege(${role}, current_schema(), 'USAGE') AS may`),
  });
  const to = quote(role);
  return [
    ...schema.flatMap(({ name, may }) => (may ? [] : [`GRANT USAGE ON SCHEMA ${quote(String(name))} TO ${to}`])),
    ...tables.flatMap(({ name, is_secured, has_policy, has_tenant, may }) => {
      const table = quote(String(name));
      const policy = [
        `DROP POLICY IF EXISTS of_tenant ON ${table}`, // another process may have made it meanwhile
        `CREATE POLICY of_tenant ON ${table} USING (${OWN_ROWS})`,
      ];
      return [
        ...(has_tenant && !has_policy ? policy : []),
        ...(has_tenant && !is_secured ? [`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`] : []),
        ...(may || HIDDEN.has(String(name)) ? [] : [`GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO ${to}`]),
      ];
    }),
  ];
}

/** Runs statements of `securingSteps`, all or nothing; several processes may do so at once. */
export async function runSteps(admin: Database, steps: readonly string[]): Promise<void> {
  if (steps.length > 0)
    await admin.batch({ lock: LOCKS.postgresql ?? [], steps: steps.map((step) => write(raw(step))) });
}

/** The role of a database's connections, and whether policies hold for it. */
export async function roleOf(database: Database): Promise<{ name: string; isHeld: boolean }> {
  const { role } = await database.batch({
    role: read(sql`SELECT current_user AS name, to_regclass('responses') IS NOT NULL
      AND row_security_active(to_regclass('responses')) AS held`),
  });
  return { name: String(role[0]?.name), isHeld: role[0]?.held === 1 };
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
