import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import type { Database } from '../handler/state/database/database.ts';
import { openDatabase } from '../shim/database.ts';
import { newRoles } from '../test/support/databases/postgres-roles.ts';
import { newFolder } from '../test/support/folder.ts';
import { type PostgresServer, startPostgres } from '../test/support/postgres-server.ts';
import { type Block, fillingOf, postgres, sqlite } from './growth-fill.ts';

/** A database that has grown to a size. */
export interface Subject {
  database: Database;
  block: Block;
  /** Runs a statement of the database's own dialect, as the role that owns the tables. */
  run(statement: string): Promise<Record<string, unknown>[]>;
  /** Pages that statements have looked at so far, in memory or not; undefined where nobody counts them. */
  pages(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Opens databases of one kind, each filled as its block says and with statistics of that, which is printed. */
export async function openSubjects(kind: string, blocks: readonly Block[]): Promise<Subject[]> {
  const open = kind === 'sqlite' ? openSqlite : await postgresOpener();
  const subjects: Subject[] = [];
  for (const block of blocks) {
    const subject = await open(block);
    const begun = performance.now();
    await fill(subject, kind === 'sqlite' ? 'sqlite' : 'postgresql');
    console.error(`${2 * block.size} items: filled in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
    subjects.push(subject);
  }
  return subjects;
}

/** What a server of 4 GB might have; `fsync` is off, and nothing is done by several workers. */
const SETTINGS = [
  ...['shared_buffers=1GB', 'max_wal_size=8GB', 'maintenance_work_mem=512MB', 'max_parallel_maintenance_workers=0'],
  ...['max_parallel_workers_per_gather=0', 'shared_preload_libraries=pg_stat_statements'],
];

async function postgresOpener(): Promise<(block: Block) => Promise<Subject>> {
  const server = await startPostgres(SETTINGS);
  return (block) => openPostgres(server, block);
}

async function openPostgres(server: PostgresServer, block: Block): Promise<Subject> {
  const urls = await newRoles(server);
  const database = await openDatabase({ url: urls.url, admin: urls.admin });
  const [owner, superuser] = [new pg.Client(urls.admin), new pg.Client(urls.superuser)];
  await Promise.all([owner.connect(), superuser.connect()]);
  await superuser.query('CREATE EXTENSION pg_stat_statements');
  return {
    database,
    block,
    run: async (statement) => (await owner.query(statement)).rows,
    async pages() {
      const { rows } =
        await superuser.query(`SELECT sum(shared_blks_hit + shared_blks_read) AS pages FROM pg_stat_statements
        WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())`);
      return Number(rows[0]?.pages);
    },
    async close() {
      await Promise.all([database.close(), owner.end(), superuser.end()]); // the server ends with this process
    },
  };
}

async function openSqlite(block: Block): Promise<Subject> {
  const file = join(newFolder(), 'growth.db');
  const database = await openDatabase(`sqlite:${file}`);
  const connection = new DatabaseSync(file);
  connection.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -500000');
  return {
    database,
    block,
    run: async (statement) => connection.prepare(statement).all(),
    pages: async () => undefined,
    async close() {
      connection.close();
      await database.close();
    },
  };
}

/** The indexes that are made anew once a block is loaded: their names and definitions. */
const INDEXES = {
  postgresql: `SELECT indexname AS name, indexdef AS text FROM pg_indexes WHERE schemaname = 'public'
    AND tablename IN ('responses', 'items', 'metadata') AND indexname NOT LIKE '%_pkey'`,
  sqlite: `SELECT name, sql AS text FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL
    AND tbl_name IN ('responses', 'items', 'metadata')`,
};

/** Plans that were made for empty tables read whole ones: statistics come before anything is measured. */
const SETTLE = { postgresql: 'VACUUM ANALYZE', sqlite: 'PRAGMA wal_checkpoint(TRUNCATE)' };

async function fill({ run, block }: Subject, system: 'postgresql' | 'sqlite'): Promise<void> {
  const indexes = await run(INDEXES[system]);
  for (const { name } of indexes) await run(`DROP INDEX ${name}`);
  for (const statement of fillingOf(block, system === 'sqlite' ? sqlite : postgres)) await run(statement);
  for (const { text } of indexes) await run(String(text));
  await run(SETTLE[system]);
}
