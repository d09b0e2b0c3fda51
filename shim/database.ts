import { ConfigError, type Database, type DatabaseUrls, misconfigured } from '../handler/index.ts';
import type { DatabaseKind, Synchronous, Trouble } from './databases/kind.ts';
import { postgres } from './databases/postgres.ts';
import { sqlite } from './databases/sqlite.ts';

/** Kinds of databases, by what stands before the colon of their URLs. */
const kinds = new Map<string, DatabaseKind>([
  ['sqlite', sqlite],
  ['postgres', postgres],
  ['postgresql', postgres],
]);

/** The database when the configuration names none. */
export const DEFAULT_DATABASE: DatabaseUrls = { url: 'sqlite:./data/antiphon.db' };

/** The kind of the database that URLs name; throws a ConfigError that says which there are, and what is wrong with the others. */
export function kindOf({ url, connections, ...others }: DatabaseUrls): DatabaseKind {
  const kind = kindOfUrl(url);
  if (!kind) {
    const forms = new Set([...kinds.values()].map(({ form }) => form));
    throw misconfigured('database', `must be ${[...forms].join(', or ')}`);
  }
  const wrong = Object.entries(others)
    .filter(([, other]) => !kind.hasRoles || kindOfUrl(other ?? url) !== kind)
    .map(([key]) => key);
  if (connections !== undefined && !kind.hasRoles) wrong.push('connections');
  if (wrong.length === 0) return kind;
  const says = kind.hasRoles
    ? `must be ${kind.form}, as database.url is`
    : 'is for PostgreSQL, and database.url is not';
  throw new ConfigError(wrong.map((key) => ({ path: ['database', key], says })));
}

function kindOfUrl(url: string): DatabaseKind | undefined {
  const [, scheme = ''] = /^([\w+.-]+):./.exec(url) ?? [];
  return kinds.get(scheme);
}

/** Opens a database by its URL, or by several, and migrates it; rejects with an Error that names it. */
export async function openDatabase(
  database: string | DatabaseUrls,
  synchronous: Synchronous = 'normal',
  trouble?: Trouble,
): Promise<Database> {
  const urls = typeof database === 'string' ? { url: database } : database;
  return kindOf(urls).open(urls, synchronous, trouble);
}
