import { readFileSync } from 'node:fs';

/** What docs/encryption.md decides of each column, by table and column: whether it is encrypted, else why it is plain. */
export function decisions(): Map<string, { encrypted: boolean; why: string }> {
  const page = readFileSync(new URL('../../docs/encryption.md', import.meta.url), 'utf8');
  const all = new Map<string, { encrypted: boolean; why: string }>();
  for (const [, table, columns = '', rest, why = ''] of page.matchAll(
    /^\| `(\w+)` \| ([^|]+) \| (encrypted|plain) \|([^|]*)\|$/gm,
  )) {
    for (const [, column] of columns.matchAll(/`(\w+)`/g)) {
      if (all.has(`${table}.${column}`)) throw new Error(`docs/encryption.md has ${table}.${column} twice`);
      all.set(`${table}.${column}`, { encrypted: rest === 'encrypted', why: why.trim() });
    }
  }
  return all;
}
