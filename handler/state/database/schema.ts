import { Conflict, type Database, type Statement, UnknownOutcome } from './database.ts';
import { raw, read, sql, write } from './sql.ts';

/** Placeholder for the time of the migration. */
const NOW = ':now';

/** Texts are compared by their bytes, as SQLite does it: pages go by the order of ids, and a database's own language has another. */
const BY_BYTES: Readonly<Record<string, string>> = { postgresql: 'text COLLATE "C"' };

/**
 * Migrations: each version of the schema as the statements that lead to it from the one before. A released version never
 * changes. Times are milliseconds since 1970; every table of client data has `tenant` first.
 */
export const migrations: readonly (readonly string[])[] = [
  [
    // Process leases. A process whose `alive_until` has stopped changing is dead, and so are its turns.
    'CREATE TABLE owners (id text NOT NULL PRIMARY KEY, alive_until bigint NOT NULL)',

    // Responses without their output. `parent` makes the tree; `conversation` and `base` are the conversation, and the
    // position in it, where the chain began. Deleting is expiring at once: the row stays while others build on it. A
    // background response has the version of its job in `background`, others 0; it has no owner until a process claims it,
    // and its events are kept until `log_until`. `compacted` marks one whose items include a compaction, which replaces all
    // items before it.
    `CREATE TABLE responses (
      tenant text NOT NULL, id text NOT NULL, parent text, conversation text, base bigint, owner text NOT NULL,
      status text NOT NULL, background bigint NOT NULL, log_until bigint, compacted bigint NOT NULL,
      expires_at bigint NOT NULL, body text NOT NULL,
      PRIMARY KEY (tenant, id))`,
    'CREATE INDEX responses_by_parent ON responses (tenant, parent) WHERE parent IS NOT NULL',
    'CREATE INDEX responses_by_conversation ON responses (tenant, conversation) WHERE conversation IS NOT NULL',
    'CREATE INDEX responses_by_expiry ON responses (expires_at)',
    "CREATE INDEX responses_running ON responses (owner) WHERE status IN ('queued', 'in_progress')",
    'CREATE INDEX responses_by_log ON responses (log_until) WHERE log_until IS NOT NULL',

    // Items, each stored once. `holder` is the owner: the response that has it as `input` or `output`, or the conversation
    // that a client `added` it to; an item in a conversation has its position there as well.
    `CREATE TABLE items (
      tenant text NOT NULL, holder text NOT NULL, side text NOT NULL, place bigint NOT NULL, id text NOT NULL,
      conversation text, conversation_place bigint, body text NOT NULL, PRIMARY KEY (tenant, holder, side, place))`,
    'CREATE INDEX items_by_id ON items (tenant, id)',
    `CREATE UNIQUE INDEX items_by_conversation ON items (tenant, conversation, conversation_place)
      WHERE conversation IS NOT NULL`,
    'CREATE UNIQUE INDEX items_of_conversation ON items (tenant, conversation, id) WHERE conversation IS NOT NULL',

    // Conversations. `turn` is the running response, `next_place` the position of the next item, `start_place` that of the
    // latest compaction. A deleted one stays while responses build on it.
    `CREATE TABLE conversations (
      tenant text NOT NULL, id text NOT NULL, created_at bigint NOT NULL, metadata text NOT NULL, turn text,
      next_place bigint NOT NULL DEFAULT 0, start_place bigint NOT NULL DEFAULT 0, deleted_at bigint, PRIMARY KEY (tenant, id))`,
    'CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at IS NOT NULL',

    // Idempotency keys, each with the response of its request.
    `CREATE TABLE idempotency (
      tenant text NOT NULL, key text NOT NULL, hash text NOT NULL, response text NOT NULL, PRIMARY KEY (tenant, key))`,
    'CREATE INDEX idempotency_by_response ON idempotency (tenant, response)',

    // Jobs: what a background turn is run from, and resumed from after its last complete round; deleted at its end. `calling`
    // is 1 while a tool call may be having effects.
    `CREATE TABLE jobs (
      tenant text NOT NULL, response text NOT NULL, body text NOT NULL, progress text NOT NULL, calling bigint NOT NULL,
      PRIMARY KEY (tenant, response))`,

    // Events of a background turn without the terminal one, in blocks of lines; `last` is the greatest sequence number in a
    // block.
    `CREATE TABLE events (
      tenant text NOT NULL, response text NOT NULL, n bigint NOT NULL, last bigint NOT NULL, body text NOT NULL,
      PRIMARY KEY (tenant, response, n))`,

    // Webhook deliveries until they succeed; `next_at` is the time of the next attempt.
    `CREATE TABLE deliveries (
      tenant text NOT NULL, id text NOT NULL, url text NOT NULL, body text NOT NULL, tries bigint NOT NULL,
      created bigint NOT NULL, next_at bigint NOT NULL, PRIMARY KEY (tenant, id, url))`,
    'CREATE INDEX deliveries_due ON deliveries (url, next_at)',
    'CREATE INDEX deliveries_by_age ON deliveries (created)',

    // The sealing secret for configurations without one; the first process creates it.
    'CREATE TABLE secrets (id text NOT NULL PRIMARY KEY, key text NOT NULL)',

    // Chunks of texts that do not fit one row, in order; a D1 row ends near 2 MB.
    `CREATE TABLE chunks (
      tenant text NOT NULL, holder text NOT NULL, side text NOT NULL, place bigint NOT NULL, n bigint NOT NULL,
      body text NOT NULL, PRIMARY KEY (tenant, holder, side, place, n))`,
  ],
  [
    // `waits` takes rows that others build on out of the index of due rows, until the last of those is gone.
    'ALTER TABLE responses ADD COLUMN waits bigint NOT NULL DEFAULT 0',
    'DROP INDEX responses_by_expiry',
    'CREATE INDEX responses_due ON responses (expires_at) WHERE waits = 0',
    'ALTER TABLE conversations ADD COLUMN waits bigint NOT NULL DEFAULT 0',
    'DROP INDEX conversations_deleted',
    'CREATE INDEX conversations_due ON conversations (deleted_at) WHERE deleted_at IS NOT NULL AND waits = 0',

    // The last write to a conversation. Existing ones count as used at the time of the migration.
    `ALTER TABLE conversations ADD COLUMN used_at bigint NOT NULL DEFAULT ${NOW}`,
    'CREATE INDEX conversations_by_use ON conversations (used_at) WHERE deleted_at IS NULL',
  ],
  [
    // The caller of a job, so that callers are served in turn.
    "ALTER TABLE jobs ADD COLUMN caller text NOT NULL DEFAULT ''",
  ],
  [
    // What a job needs of the request that asked for it, and what a delivery keeps of that; empty where an older program
    // wrote it.
    "ALTER TABLE jobs ADD COLUMN asked text NOT NULL DEFAULT ''",
    "ALTER TABLE deliveries ADD COLUMN asked text NOT NULL DEFAULT ''",
  ],
  [
    // API keys, by the part of a key that is no secret, each with the digest of the whole. `models`, `scopes` and `limits` are JSON;
    // a key that never expires does so in 9999. `replaced_by` is the key that was made in its place.
    `CREATE TABLE keys (
      id text NOT NULL PRIMARY KEY, sha256 text NOT NULL, tenant text NOT NULL, user_name text, project text, models text,
      scopes text, limits text, expires_at bigint NOT NULL, created_at bigint NOT NULL, revoked_at bigint, replaced_by text)`,
    'CREATE INDEX keys_by_tenant ON keys (tenant, id)',
  ],
  [
    // What lists are asked by: `made_by` is the caller's user, `request` the id of the request. A list reads one index and no
    // body. Ids begin with their time, so it is in the order of their times. `listed` is 0 where an older program wrote the row,
    // until the sweep has taken the rest from its JSON.
    ...['responses', 'conversations'].flatMap((table) => [
      `ALTER TABLE ${table} ADD COLUMN made_by text`,
      `ALTER TABLE ${table} ADD COLUMN request text`,
      `ALTER TABLE ${table} ADD COLUMN listed bigint NOT NULL DEFAULT 0`,
      `CREATE INDEX ${table}_unlisted ON ${table} (tenant, id) WHERE listed = 0`,
    ]),
    'ALTER TABLE responses ADD COLUMN model text',
    'CREATE INDEX responses_listed ON responses (tenant, id, expires_at, model, made_by, request)',
    // Those that ended as few do; a turn that completes is never in it.
    "CREATE INDEX responses_ended ON responses (tenant, status, id) WHERE status IN ('incomplete', 'failed', 'cancelled')",
    'CREATE INDEX conversations_listed ON conversations (tenant, id, deleted_at, made_by, request) WHERE deleted_at IS NULL',
    'DROP INDEX responses_by_conversation',
    'CREATE INDEX responses_by_conversation ON responses (tenant, conversation, id) WHERE conversation IS NOT NULL',

    // Metadata of responses and conversations, a row for each pair, to find them by.
    `CREATE TABLE metadata (
      tenant text NOT NULL, key text NOT NULL, value text NOT NULL, holder text NOT NULL,
      PRIMARY KEY (tenant, key, value, holder))`,
    'CREATE INDEX metadata_of ON metadata (tenant, holder)',
  ],
  [
    // What each ended turn has used, written in the batch that ends it; `id` is the response's.
    // `remove_at` is 0 until it was added to `usage`. What is not known is empty.
    `CREATE TABLE charges (
      tenant text NOT NULL, id text NOT NULL, at bigint NOT NULL, user_name text NOT NULL, project text NOT NULL,
      key_id text NOT NULL, model text NOT NULL, kind text NOT NULL, input bigint NOT NULL, cached bigint NOT NULL,
      cache_write bigint NOT NULL, output bigint NOT NULL, reasoning bigint NOT NULL, total bigint NOT NULL,
      costs text NOT NULL, stored bigint NOT NULL, remove_at bigint NOT NULL DEFAULT 0, PRIMARY KEY (tenant, id))`,
    'CREATE INDEX charges_due ON charges (remove_at, tenant, id)',

    // Charges added up, by the start of their day in UTC; and their costs by name.
    `CREATE TABLE usage (
      tenant text NOT NULL, day bigint NOT NULL, user_name text NOT NULL, project text NOT NULL, key_id text NOT NULL,
      model text NOT NULL, kind text NOT NULL, requests bigint NOT NULL, input bigint NOT NULL, cached bigint NOT NULL,
      cache_write bigint NOT NULL, output bigint NOT NULL, reasoning bigint NOT NULL, total bigint NOT NULL,
      PRIMARY KEY (tenant, day, user_name, project, key_id, model, kind))`,
    `CREATE TABLE usage_costs (
      tenant text NOT NULL, day bigint NOT NULL, user_name text NOT NULL, project text NOT NULL, key_id text NOT NULL,
      model text NOT NULL, kind text NOT NULL, name text NOT NULL, amount bigint NOT NULL,
      PRIMARY KEY (tenant, day, user_name, project, key_id, model, kind, name))`,
  ],
  [
    // Keys by which what tenants store is encrypted, each wrapped by the `secret` of the configuration with that id. One that was
    // dropped is overwritten, and stays to say so.
    `CREATE TABLE tenant_keys (
      tenant text NOT NULL, id text NOT NULL, secret text NOT NULL, wrapped text NOT NULL, created_at bigint NOT NULL,
      dropped_at bigint, PRIMARY KEY (tenant, id))`,
    'CREATE INDEX tenant_keys_by_secret ON tenant_keys (secret, tenant, id) WHERE dropped_at IS NULL',
  ],
  [
    // What was used of each window of an allowance, and what processes have reserved of it: `name` says whose it is in the tenant, and
    // what is counted; '' is the tenant of what all share. A reservation counts until its time, and then is nobody's.
    `CREATE TABLE allowances (
      tenant text NOT NULL, name text NOT NULL, starts bigint NOT NULL, ends bigint NOT NULL, used bigint NOT NULL,
      PRIMARY KEY (tenant, name, starts))`,
    'CREATE INDEX allowances_by_end ON allowances (ends)',
    `CREATE TABLE reservations (
      tenant text NOT NULL, name text NOT NULL, starts bigint NOT NULL, owner text NOT NULL, amount bigint NOT NULL,
      until bigint NOT NULL, PRIMARY KEY (tenant, name, starts, owner))`,
    'CREATE INDEX reservations_by_end ON reservations (until)',
    'ALTER TABLE keys ADD COLUMN budgets text',
  ],
  [
    // What tenants with a limit have stored, users and all, but for charges that were not added up yet; and when that is measured again.
    'CREATE TABLE stored_bytes (tenant text NOT NULL PRIMARY KEY, bytes bigint NOT NULL, measure_at bigint NOT NULL)',
    'CREATE INDEX stored_bytes_due ON stored_bytes (measure_at)',
  ],
  [
    // What one process does for all: who has it, and until when.
    'CREATE TABLE chores (name text NOT NULL PRIMARY KEY, owner text NOT NULL, until bigint NOT NULL)',
  ],
];

const CREATE = write(sql`CREATE TABLE IF NOT EXISTS migrations (version bigint NOT NULL PRIMARY KEY)`);
const VERSION = read(sql`SELECT max(version) AS version FROM migrations`);

/**
 * What whoever migrates holds until it is done, where writers do not wait for one another anyway: the others wait for it. The number is
 * what PostgreSQL makes of `hashtext('antiphon migrate')`, by which earlier versions lock.
 */
export const LOCKS: Readonly<Record<string, Statement>> = {
  postgresql: write(sql`SELECT pg_advisory_xact_lock(-106007798)`),
};

/** The version of a database's schema; 0 where there is none. Changes nothing. */
export async function schemaVersion(database: Database): Promise<number> {
  try {
    const { found } = await database.batch({ found: VERSION });
    return Number(found[0]?.version ?? 0);
  } catch (error) {
    if (isNoTable(error)) return 0;
    throw error;
  }
}

/** Whether a database says that there is no such table: PostgreSQL by its code, since its words are in any language. */
function isNoTable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === '42P01') || /no such table/.test(error.message);
}

/** The statements from one version to the newest, in the dialect of `system`. Throws an Error when this program does not know the version. */
export function stepsFrom(version: number, system = ''): string[] {
  if (version > migrations.length) {
    throw new Error(
      `the database is of schema version ${version}, and this program knows ${migrations.length}: use a newer one`,
    );
  }
  return migrations.slice(version).flatMap((steps) => steps.map((step) => inDialect(step, system)));
}

/**
 * Migrates the schema to the newest version, or to `to`; safe when several processes start at once: for each version one does it, and the
 * others wait. Throws when the database is newer than this program.
 */
export async function migrate(database: Database, to: number = migrations.length): Promise<void> {
  const { system = '' } = database;
  const lock = LOCKS[system] ?? [];
  for (;;) {
    const version = await schemaVersion(database);
    stepsFrom(version);
    if (version >= to) return;
    const steps = (migrations[version] ?? []).map((step) => write(raw(inDialect(step, system))));
    try {
      await database.batch({
        lock,
        table: version === 0 ? CREATE : [],
        version: write(sql`INSERT INTO migrations (version) VALUES (${version + 1})`),
        steps,
      });
    } catch (error) {
      // Another process has just done this step, or this one has perhaps: the version says so.
      if (!(error instanceof Conflict || error instanceof UnknownOutcome)) throw error;
    }
  }
}

function inDialect(step: string, system: string): string {
  return step.replace(NOW, String(Date.now())).replace(/\btext\b/g, BY_BYTES[system] ?? 'text');
}
