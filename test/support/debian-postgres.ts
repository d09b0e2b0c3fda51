import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const VERSIONS = '/usr/lib/postgresql';

/** The folder with the programs of Debian's newest PostgreSQL, its server and `pg_dump` among them; undefined where it is not installed. */
export function debianPostgres(): string | undefined {
  if (!existsSync(VERSIONS)) return undefined;
  const folders = readdirSync(VERSIONS).map((version) => join(VERSIONS, version, 'bin'));
  return folders.filter((bin) => existsSync(join(bin, 'postgres')) && existsSync(join(bin, 'pg_dump'))).at(-1);
}
