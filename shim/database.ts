import { type Database, misconfigured } from '../handler/index.ts';
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
export const DEFAULT_DATABASE = 'sqlite:./data/antiphon.db';

/** The kind of the database that a URL names; throws a ConfigError that says which there are. */
export function kindOf(url: string): DatabaseKind {
  const [, scheme = ''] = /^([\w+.-]+):./.exec(url) ?? [];
  const kind = kinds.get(scheme);
  if (kind) return kind;
  const forms = new Set([...kinds.values()].map(({ form }) => form));
  throw misconfigured('database', `must be ${[...forms].join(', or ')}`);
}

/** Opens a database by its URL, and migrates it; rejects with an Error that names it. */
export async function openDatabase(
  url: string,
  synchronous: Synchronous = 'normal',
  trouble?: Trouble,
): Promise<Database> {
  return kindOf(url).open(url, synchronous, trouble);
}
